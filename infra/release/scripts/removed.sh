#!/bin/sh
# After the package's files are gone: for good, or for those of another version.
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload
	fi
	echo "Queue and ledger stay in /var/lib/entrawebex, the settings that you changed in /etc/entrawebex."
	;;
purge)
	echo "Queue and ledger stay in /var/lib/entrawebex."
	;;
esac
exit 0
