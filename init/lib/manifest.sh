# Reads init/manifest for the installer and the package. Sourced; needs ROOT.

# manifest WHEN: the lines for a word of WHEN (words by commas), with the paths of an installation.
manifest() {
  local when path type owner group mode from
  while read -r when path type owner group mode from; do
    case $when in '' | '#'*) continue ;; esac
    [[ ,$1, = *,$when,* ]] || continue
    path=${path/#\$ETC/\/etc\/stafette}
    path=${path/#\$SPOOL/\/var\/spool\/stafette}
    path=${path/#\$RUN/\/run\/stafette}
    path=${path/#\$LOG/\/var\/log\/stafette}
    path=${path/#\$LIBEXEC/\/usr\/libexec\/stafette}
    path=${path/#\$SHARE/\/usr\/share\/stafette}
    path=${path/#\$MAN/\/usr\/share\/man}
    path=${path/#\$SERVICE/\/var\/lib\/stafette\/service}
    printf '%s %s %s %s %s %s\n' "$path" "$type" "$owner" "$group" "$mode" "$from"
  done <"$ROOT/init/manifest"
}

# The words of WHEN that have a supervisor to start programs with.
SUPERVISORS='systemd daemontools runit s6 sysv none'
# when_of SUPERVISOR: its word of WHEN.
when_of() {
  case $1 in
    daemontools | runit | s6) echo supervise ;;
    none) echo all ;;
    *) echo "$1" ;;
  esac
}

# runs NAME: whether a process of that name runs.
runs() { grep -qxs "$1" /proc/[0-9]*/comm; }

# find_supervisor: what this host starts its services with: what runs, before what is merely installed.
find_supervisor() {
  if [ -d /run/systemd/system ]; then echo systemd
  elif runs svscan; then echo daemontools
  elif runs runsvdir; then echo runit
  elif runs s6-svscan; then echo s6
  elif [ -n "$(scan_directory daemontools)" ] && command -v svscan >/dev/null; then echo daemontools
  elif [ -n "$(scan_directory runit)" ] && command -v runsvdir >/dev/null; then echo runit
  elif [ -n "$(scan_directory s6)" ] && command -v s6-svscan >/dev/null; then echo s6
  elif [ -d /etc/init.d ]; then echo sysv
  else echo none
  fi
}

# scan_directory SUPERVISOR: where it looks for directories of services.
scan_directory() {
  local d places='/etc/service /service /var/service'
  [ "$1" = s6 ] && places='/run/service /var/run/service /service'
  for d in $places; do [ -d "$d" ] && { echo "$d"; return; }; done
  true
}
