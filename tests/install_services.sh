#!/usr/bin/env bash
# Installs the servers and tools that tests run against. Says in a line what it could not install; the tests that need
# it are then skipped, or fail where CI=true. `install_services.sh spark` installs Java too.
set -u
wanted=()
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null || wanted+=(postgresql)
command -v gpg >/dev/null || wanted+=(gnupg)
command -v age >/dev/null || wanted+=(age)
command -v 7z >/dev/null || wanted+=(p7zip-full)
[ -x /usr/sbin/dovecot ] || wanted+=(dovecot-imapd)
command -v redis-server >/dev/null || wanted+=(redis-server)
[ -x /usr/sbin/sshd ] || wanted+=(openssh-server)
command -v sqlite3 >/dev/null || wanted+=(sqlite3)
command -v faketime >/dev/null || wanted+=(faketime)
command -v chromium >/dev/null || wanted+=(chromium)
[ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || wanted+=(nginx-light)
[ "${1:-}" != spark ] || command -v java >/dev/null || wanted+=(default-jre-headless)
# By itself, since it is large: what else is wanted must not wait for it or fail with it.
office=()
command -v soffice >/dev/null || office+=(libreoffice-calc-nogui)
[ ${#wanted[@]} -eq 0 ] && [ ${#office[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif sudo -n true 2>/dev/null; then
  as_root=(sudo -n)
else
  echo "not installed, because apt needs root: ${wanted[*]} ${office[*]}" >&2
  exit 0
fi
"${as_root[@]}" apt-get update -qq
install() {
  [ $# -eq 0 ] && return
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    echo "could not be installed by apt: $*" >&2
}
install "${wanted[@]}"
# The tests start their own: nobody should be able to log in to this machine because it was tested on.
for service in redis-server ssh; do
  [[ " ${wanted[*]} " == *" ${service/#ssh/openssh-server} "* ]] && [ -d /run/systemd/system ] &&
    "${as_root[@]}" systemctl disable --now --quiet "$service"
done
install "${office[@]}"
exit 0
