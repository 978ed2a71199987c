# Makes the users and groups of init/users. Sourced by init/run and init/install; the .deb has it in its postinst. Root only, plain sh.

# make_users FILE: those of the list that are missing.
make_users() {
  sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$1" | while read -r kind name rest; do
    case $kind in
      g) getent group "$name" >/dev/null || groupadd --system "$name" ;;
      u) getent passwd "$name" >/dev/null || useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$name" ;;
      m) id -nG "$name" | tr ' ' '\n' | grep -qx "$rest" || usermod -aG "$rest" "$name" ;;
    esac || exit 1
  done
}

# make_demo_user: who owns the mailboxes of an instance in a folder that root runs.
make_demo_user() {
  getent passwd stafdemo >/dev/null || useradd --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin stafdemo
}
