-- Whether something may be done once more now. KEYS: {cytomill}:limit:NAME, a string: the time, in
-- ms since 1970, at which all that was done would have been at its rate. ARGV: ms between two at
-- that rate, ms that they may be ahead of it. Returns ms to wait, 0 where it may be done.
local every, ahead = tonumber(ARGV[1]), tonumber(ARGV[2])
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local due = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0)) + every
local wait = due - now - ahead
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.3f', due), 'PX', math.ceil(due - now))
return 0
