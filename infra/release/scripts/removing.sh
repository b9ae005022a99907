#!/bin/sh
# Before the package's files go: for good, which Debian calls "remove" and Red Hat 0, or for
# those of another version.
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now entrawebex.service
	fi
	;;
esac
exit 0
