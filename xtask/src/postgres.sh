# Runs one PostgreSQL cluster in a directory of its own for as long as standard input stays open.
#
# The program that started this may end in any way, even by SIGKILL: its end of the pipe closes with it, and the cluster is
# stopped and deleted. Arguments: the directory of PostgreSQL's programs, and the port. The first line of standard input is the
# password of the user `paddock`. Prints `ready` once the cluster is.
set -eu
bin=$1 port=$2
read -r password

# Ctrl-C in a terminal reaches every process; this one must outlive it to clean up.
trap '' INT
directory=$(mktemp -d "${TMPDIR:-/tmp}/paddock-postgres.XXXXXX")
trap 'rm -rf "$directory"' EXIT
cd "$directory"
log=$directory/log

printf '%s' "$password" >"$directory/password"
"$bin/initdb" --pgdata="$directory/data" --username=paddock --auth=scram-sha-256 --pwfile="$directory/password" \
    --encoding=UTF8 --locale=C --no-sync >"$log" 2>&1 || { cat "$log" >&2; exit 1; }

# Durability is for data that matters; here it only costs time.
"$bin/postgres" -D "$directory/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$directory" \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=500 >>"$log" 2>&1 </dev/null &
server=$!
until "$bin/pg_isready" --quiet --host=127.0.0.1 --port="$port"; do
    kill -0 "$server" 2>/dev/null || { cat "$log" >&2; exit 1; }
    sleep 0.05
done
echo ready

cat >/dev/null || true
kill -INT "$server" 2>/dev/null || true
wait "$server" || true
