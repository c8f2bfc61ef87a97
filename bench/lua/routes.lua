-- One request to each of 10,000 routes in turn, in an order that strides through them; made once, so that the load
-- costs the same as a fixed request.
local requests = {}
local at = 0

function init(args)
  for i = 0, 9999 do
    requests[i] = wrk.format("GET", "/r/" .. ((i * 7919) % 10000) .. "/items")
  end
end

function request()
  at = (at + 1) % 10000
  return requests[at]
end
