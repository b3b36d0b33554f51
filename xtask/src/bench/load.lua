-- Prints what wrk measured in one line: requests, microseconds at p50 and p99, and anything that went wrong.
done = function(summary, latency, requests)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("measured %d %d %d %d\n", summary.requests, latency:percentile(50), latency:percentile(99), errors))
end
