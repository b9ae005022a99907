#!/bin/sh
# After the package's files are there. Debian tells "configure" and the version before, of
# which a first installation has none; Red Hat tells how many versions are installed.
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart entrawebex.service # one that runs goes on as the new version
fi
case "$1:$2" in
configure: | 1:)
	echo "entrawebex does not run yet. Put tenant, organization and credentials into /etc/entrawebex/environment, then: systemctl enable --now entrawebex"
	;;
esac
exit 0
