#include "plugins/rate_limiting/redis_script.h"

namespace gatehouse::plugins::rate_limiting {

const char* const kScript = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
local floor, max, min = math.floor, math.max, math.min
local EXACT = 9007199254740992
local DAY = 86400000000
-- A clock that was set back no further is waited for.
local SET_BACK = 60000000
-- How long a key is kept beyond its time: for a clock that is set back, and a replica's that is behind.
local MARGIN = 10000

-- a * b / c in whole numbers, and the rest; c below 2^46.
local function divide(a, b, c)
  local product = a * b
  if product < EXACT then
    local whole = floor(product / c)
    return whole, product - whole * c
  end
  local digits, n = {}, 0
  while b > 0 do
    local up = floor(b / 64)
    n = n + 1
    digits[n] = b - up * 64
    b = up
  end
  local a_whole = floor(a / c)
  local a_rest = a - a_whole * c
  local whole, rest = 0, 0
  for i = n, 1, -1 do
    rest = rest * 64 + a_rest * digits[i]
    local more = floor(rest / c)
    whole = whole * 64 + a_whole * digits[i] + more
    rest = rest - more * c
  end
  return whole, rest
end

-- The month of a time, counted from the year 0, and the time at which a month begins (after H. Hinnant).
local function month_of(time)
  local days = floor(time / DAY) + 719468
  local era = floor(days / 146097)
  local day = days - era * 146097
  local year = floor((day - floor(day / 1460) + floor(day / 36524) - floor(day / 146096)) / 365)
  day = day - (365 * year + floor(year / 4) - floor(year / 100))
  return (era * 400 + year) * 12 + floor((5 * day + 2) / 153) + 2
end
local function begin_of(month)
  local year = floor((month - 2) / 12)
  local since_march = month - 2 - year * 12
  local days = 365 * year + floor(year / 4) - floor(year / 100) + floor(year / 400)
  return (days + floor((153 * since_march + 2) / 5) - 719468) * DAY
end

-- The window of a time: when it begins and ends.
local function window_of(length, months, time)
  if length > 0 then
    local first = floor(time / length) * length
    return first, first + length
  end
  local month = floor(month_of(time) / months) * months
  return begin_of(month), begin_of(month + months)
end

-- Each gives whether the cost fits, what is to be kept then, and until when.

local function window(sliding, length, months, most, mark, taken, before, cost, now, late_mark, late)
  local first, last = window_of(length, months, now)
  if mark == last then
    first, last = window_of(length, months, mark)
  elseif mark ~= first then
    local _, after = window_of(length, months, mark)
    if after == first then before = taken else before = 0 end
    taken = 0
  end
  if late > 0 then
    local _, after = window_of(length, months, late_mark)
    if late_mark == first then
      taken = min(taken + late, EXACT)
    elseif after == first then
      before = min(before + late, EXACT)
    end
  end
  local used, ends = taken, last
  if sliding then
    local still = divide(min(last - now, last - first), before, last - first)
    used = used + still
    local _, next_last = window_of(length, months, last)
    ends = next_last
  end
  return used + cost <= most, first, min(taken + cost, EXACT), before, ends
end

local function token_bucket(token, leak, burst, mark, missing, units, cost, now)
  units = min(units, token - 1)
  local time = now
  if mark > now and mark - now <= SET_BACK then time = mark end
  if missing + units > 0 then
    local back, rest = divide(max(time - mark, 0), leak, token)
    missing, units = missing - back, units - rest
    if units < 0 then missing, units = missing - 1, units + token end
    if missing < 0 then missing, units = 0, 0 end
  end
  missing = min(missing + cost, EXACT)
  local fits = missing < burst or (missing == burst and units == 0)
  return fits, time, missing, units, time + (missing + 1) * token / leak
end

local function leaky_bucket(rate, burst, known, mark, excess, cost, now)
  local time = floor(now / 1000)
  local passed = time - mark
  if passed < -60000 then passed = 1 elseif passed < 0 then passed = 0 end
  if known then excess = max(excess - divide(passed, rate, 1000) + 1000, 0) else excess = 0 end
  excess = min(excess + (cost - 1) * 1000, EXACT)
  if passed ~= 0 then mark = time end
  return excess <= burst, mark, excess, 0, now + 1000 + (excess + 1000) * 1000000 / rate
end

local algorithm, act, cost, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local kept = redis.call('MGET', unpack(KEYS))
local function step(a, b, c, known, mark, one, two, amount, late_mark, late)
  if algorithm == 'token' then return token_bucket(a, b, c, mark, one, two, amount, now) end
  if algorithm == 'leaky' then return leaky_bucket(a, b, known, mark, one, amount, now) end
  return window(algorithm == 'sliding', a, b, c, mark, one, two, amount, now, late_mark, late)
end
local function written(mark, one, two, ends)
  return {string.format('%.0f %.0f %.0f', mark, one, two),
          string.format('%.0f', min(floor((ends - now) / 1000), 1e14) + MARGIN)}
end

local reply, writes, late_writes, fit, any_late = {now}, {}, {}, true, false
for i = 1, #KEYS do
  reply[i + 1] = kept[i]
  local a, b, c = tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3]), tonumber(ARGV[3 * i + 4])
  local mark, one, two = string.match(kept[i] or '', '^(%d+) (%d+) (%d+)$')
  local known = mark ~= nil
  mark, one, two = tonumber(mark or 0), tonumber(one or 0), tonumber(two or 0)
  local fits, ends
  local late_at = 3 + 3 * #KEYS + 2 * i
  local late = tonumber(ARGV[late_at + 1] or 0)
  if late > 0 then
    local bucket = algorithm == 'token' or algorithm == 'leaky'
    fits, mark, one, two, ends = step(a, b, c, known, mark, one, two, bucket and late or 0, tonumber(ARGV[late_at]), late)
    late_writes[i] = written(mark, one, two, ends)
    known, any_late = true, true
  end
  fits, mark, one, two, ends = step(a, b, c, known, mark, one, two, cost, 0, 0)
  fit = fit and fits
  writes[i] = written(mark, one, two, ends)
end
local takes = cost > 0 and (act == 'add' or (act == 'take' and fit))
if takes or any_late then
  for i = 1, #KEYS do
    local write = takes and writes[i] or late_writes[i]
    if write then redis.call('SET', KEYS[i], write[1], 'PX', write[2]) end
  end
end
return reply
)lua";

}  // namespace gatehouse::plugins::rate_limiting
