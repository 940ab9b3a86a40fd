-- How one round of the runner asks, and what it measured. Arguments: the method, the
-- length of the body in bytes, "close" for a server that keeps no connection, and
-- "count" for a line after every thousand requests that are sent.
init = function(args)
  wrk.method = args[1]
  if tonumber(args[2]) > 0 then
    wrk.body = string.rep("x", tonumber(args[2]))
  end
  if args[3] == "close" then
    -- HTTP/1.0, because uWSGI closes without saying so, and then answers in kind: wrk
    -- opens a new connection and counts no failure.
    local format = wrk.format
    wrk.format = function(...)
      return (format(...):gsub("HTTP/1.1\r\n", "HTTP/1.0\r\n", 1))
    end
  end
  if args[4] == "count" then
    local text, sent = wrk.format(), 0
    request = function()
      sent = sent + 1
      if sent % 1000 == 0 then
        io.write("SENT ", sent, "\n")
        io.flush()
      end
      return text
    end
  end
end

-- One line in JSON. Times are microseconds.
done = function(summary, latency, requests)
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"bytes":%d,' ..
    '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,' ..
    '"p50_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    summary.errors.connect, summary.errors.read, summary.errors.write,
    summary.errors.status, summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
end
