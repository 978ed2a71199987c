# Lays out one instance in $DIR: programs, settings, queue, sockets' directories, mailboxes. Sourced by init/run, after toolchain.sh.
# Reads DIR SMTP DOMAIN MAILBOXES ROUTES TARGET ROOT. What is there stays, but for what an option names now.

# The programs that run all the time; staf-supervise starts them in this order and stops them in the reverse one. Those that can also be run by hand are told to serve.
SERVICES='tables resolve users clean queue,service local remote send smtpd,service'
PROGRAMS="${SERVICES//,service/} inject"

# check_arguments: refuses what would make a broken setting, before anything is written.
check_arguments() {
  local m r
  for m in "${MAILBOXES[@]}"; do
    [[ $m =~ ^[a-z0-9][a-z0-9._+-]{0,63}$ ]] || { say "init/run: --mailbox $m: a mailbox is named with small letters, digits and . _ + - (at most 64)"; return 1; }
  done
  if [ -n "$DOMAIN" ]; then
    [[ $DOMAIN =~ ^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$ ]] || { say "init/run: --domain $DOMAIN: not a domain name"; return 1; }
  fi
  if [ -n "$SMTP" ]; then
    [[ $SMTP =~ ^(\[[0-9a-fA-F:.]+\]|[0-9.]+):[0-9]{1,5}$ ]] && [ "${SMTP##*:}" -ge 1 ] && [ "${SMTP##*:}" -le 65535 ] ||
      { say "init/run: --smtp $SMTP: wants ADDRESS:PORT such as 127.0.0.1:2525 or [::1]:2525"; return 1; }
  fi
  for r in "${ROUTES[@]}"; do
    [[ $r =~ ^[^[:space:]:]+[[:space:]]+(\[[0-9a-fA-F:.]+\]|[^[:space:]:]+)(:[0-9]{1,5})?$ ]] || { say "init/run: --route '$r': wants 'DOMAIN HOST[:PORT]'"; return 1; }
  done
}

# put FILE TEXT: writes a setting by rename, so that no program ever reads half of one.
put() { printf '%s\n' "$2" >"$1.new$$" && chmod 644 "$1.new$$" && mv -f "$1.new$$" "$1"; }
# put_default FILE TEXT: only if there is none yet.
put_default() { [ -e "$1" ] || put "$1" "$2"; }

. "$ROOT/init/lib/users.sh"

# check_reach: every user can enter every directory above DIR.
check_reach() {
  local d=$DIR
  while [ "$d" != / ]; do
    d=$(dirname "$d")
    case $(stat -c %A "$d") in
      *x | *t) ;;
      *) say "init/run: the users that the programs run under cannot enter $d: choose another --dir (such as /srv/stafette), or chmod o+x $d"; return 1 ;;
    esac
  done
}

# directory MODE OWNER GROUP PATH: makes it, or sets it right. Owner and group count only for root.
directory() {
  [ -d "$4" ] || mkdir "$4" || return 1
  [ "$ME" = 0 ] && { chown "$2:$3" "$4" || return 1; }
  chmod "$1" "$4"
}

install_programs() {
  local p
  directory 755 root root "$DIR/libexec" && directory 755 root root "$DIR/bin" || return 1
  for p in $PROGRAMS; do copy_program "stafette-$p" || return 1; done
  copy_program stafette && copy_program staf-supervise || return 1
  for p in sendmail send-mail mailq newaliases hoststat purgestat rmail; do wrapper "$p" stafette-inject || return 1; done
  wrapper stafette stafette
}
copy_program() {
  cmp -s "$TARGET/release/$1" "$DIR/libexec/$1" && return
  cp "$TARGET/release/$1" "$DIR/libexec/.$1.new" && chmod 755 "$DIR/libexec/.$1.new" && mv -f "$DIR/libexec/.$1.new" "$DIR/libexec/$1"
}
# wrapper NAME PROGRAM: a command that is pointed at this instance whatever the caller's environment says. The program sees NAME as its own.
wrapper() {
  local q=${DIR//\'/\'\\\'\'}
  [ "$1" = "$2" ] || ln -sfn "$2" "$DIR/libexec/$1" || return 1
  {
    echo '#!/bin/sh'
    echo "export STAFETTE_ETC='$q/etc' STAFETTE_SPOOL='$q/spool' STAFETTE_RUN='$q/run'"
    echo "exec '$q/libexec/$1' \"\$@\""
  } >"$DIR/bin/.$1.new" && chmod 755 "$DIR/bin/.$1.new" && mv -f "$DIR/bin/.$1.new" "$DIR/bin/$1"
}

write_settings() {
  local m user line lines='' r routes=''
  directory 755 root root "$DIR/etc" && directory 755 root root "$DIR/etc/users" || return 1
  [ -n "$DOMAIN" ] && put "$DIR/etc/me" "$DOMAIN" && put "$DIR/etc/locals" "$DOMAIN"
  put_default "$DIR/etc/me" stafette.test
  put_default "$DIR/etc/locals" "$(cat "$DIR/etc/me")"
  [ -n "$SMTP" ] && put "$DIR/etc/smtplisten" "$SMTP"
  put_default "$DIR/etc/smtplisten" 127.0.0.1:2525
  put_default "$DIR/etc/relayclients" "$(printf '127.0.0.0/8\n::1/128')"
  put_default "$DIR/etc/defaultdelivery" ./Maildir/
  put_default "$DIR/etc/systemusers" 0
  # Programs and files of aliases run as this user; nobody but root can become another.
  [ "$ME" = 0 ] || put_default "$DIR/etc/aliasuser" "$(id -un)"
  if [ ${#ROUTES[@]} -gt 0 ]; then
    for r in "${ROUTES[@]}"; do read -r m line <<<"$r"; routes+="$m:$line"$'\n'; done
    put "$DIR/etc/smtproutes" "${routes%$'\n'}"
  fi
  if [ ${#MAILBOXES[@]} = 0 ] && ! [ -e "$DIR/etc/users/assign" ]; then MAILBOXES=(demo); fi
  [ ${#MAILBOXES[@]} = 0 ] && return
  if [ "$ME" = 0 ]; then user=$(getent passwd stafdemo | cut -d: -f1,3,4); else user="$(id -un):$(id -u):$(id -g)"; fi
  # One line for each mailbox; root, postmaster and mailer-daemon are the first one's. A name given first wins.
  for m in "${MAILBOXES[@]}"; do lines+="=$m:$user:$DIR/mail/$m:::"$'\n'; done
  for m in root postmaster mailer-daemon; do
    [[ $'\n'$lines == *$'\n'"=$m:"* ]] || lines+="=$m:$user:$DIR/mail/${MAILBOXES[0]}:::"$'\n'
  done
  put "$DIR/etc/users/assign" "$lines."
}

make_mailboxes() {
  local owner=root group=root name d home
  [ "$ME" = 0 ] && owner=stafdemo group=stafdemo
  directory 755 root root "$DIR/mail" || return 1
  while IFS=: read -r name _ _ _ home _; do
    name=${name#=}
    [ "$home" = "$DIR/mail/$(basename "$home")" ] || continue
    for d in "" /Maildir /Maildir/tmp /Maildir/new /Maildir/cur; do directory 700 "$owner" "$group" "$home$d" || return 1; done
  done < <(grep '^=' "$DIR/etc/users/assign")
}

# make_directories VARIABLE TOP: the directories of the manifest below $VARIABLE, made below TOP.
make_directories() {
  local when path type owner group mode rest
  while read -r when path type owner group mode rest; do
    [ "$when $type" = 'all d' ] && [ "${path%%/*}" = "\$$1" ] || continue
    # The queue program of a folder is not set-group-id, since such a program looks for the installed queue only: everybody may
    # leave a message here while no service runs, and only the service can look at it.
    [ "$path" = '$SPOOL/queue/drop' ] && group=stafq mode=3733
    directory "$mode" "$owner" "$group" "$2${path#"\$$1"}" || return 1
  done <"$ROOT/init/manifest"
}

make_instance() {
  ME=$(id -u)
  mkdir -p "$DIR" || return 1
  DIR=$(cd "$DIR" && pwd -P) || return 1
  case $DIR in *[:[:space:]]*) say "init/run: --dir $DIR: a blank or a colon in the path would break users/assign: choose another directory"; return 1 ;; esac
  if [ "$ME" = 0 ]; then
    make_users "$ROOT/init/users" || return 1
    make_demo_user || return 1
    check_reach || return 1
    [ "$(stat -c %A "$DIR" | cut -c10)" = x ] || chmod o+x "$DIR"
  else
    say "init/run: not root: all programs run as $(id -un)"
  fi
  directory 755 root root "$DIR/log" && install_programs && write_settings && make_mailboxes && make_directories SPOOL "$DIR/spool" && make_directories RUN "$DIR/run"
}
