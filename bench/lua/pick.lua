-- One request for each line of a file in turn, in an order that strides through them: the line is the value of a header.
-- Arguments: the header's name, the file, at which request to begin, and what stands before the value.
local values, before, after
local width, count, at = 0, 0, 0

function init(args)
  local file = assert(io.open(args[2], "rb"))
  values = file:read("*a")
  file:close()
  width = values:find("\n", 1, true)
  count = #values / width
  at = tonumber(args[3]) * 7919 % count
  local form = wrk.format(nil, nil, {Host = wrk.headers.Host, [args[1]] = (args[4] or "") .. "@"})
  before, after = form:match("^(.-)@(.*)$")
end

function request()
  at = (at + 7919) % count
  return before .. values:sub(at * width + 1, at * width + width - 1) .. after
end
