-- wrk: the line of figures that every script of a load ends with: requests a second, p50 and p99 in microseconds, errors.
return function(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %.1f %.0f %.0f %d\n", summary.requests / summary.duration * 1e6, latency:percentile(50),
    latency:percentile(99), errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
