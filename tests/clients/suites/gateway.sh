# Sourced: without PGHOST, starts a gateway of its own (the debug build) for PGUSER and PGDATABASE in the folder $work, and
# stops it at the end.
if [ -z "${PGHOST:-}" ]; then
  binary=${DUCKGATE_BINARY:-${CARGO_TARGET_DIR:-$root/target}/debug/duckgate}
  export PGHOST=127.0.0.1 PGPASSWORD=duckgate PGUSER PGDATABASE
  PGPORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'); export PGPORT
  mkdir -p "$work/none"
  DUCKGATE_USER=$PGUSER DUCKGATE_PASSWORD=$PGPASSWORD "$binary" serve --listen "127.0.0.1:$PGPORT" --data :memory: \
    --schemas "$work/none" --database "$PGDATABASE" >"$work/gateway.log" 2>&1 &
  gateway=$!; trap 'kill $gateway 2>/dev/null || true' EXIT
  for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$PGPORT") 2>/dev/null && break; sleep 0.1; done
fi
