-- Try the failed ones of the items `first` to `last` again. ARGV: job, queue, first, last.
-- Returns how many there were; -1 where the job is not done, running or paused.
local job, queue, first, last = unpack(ARGV)
first, last = tonumber(first), tonumber(last)
local state = get(job, 'state')
if not (active(job) or state == 'paused' or state == 'done') then return -1 end
local states, found, from = redis.call('GETRANGE', key('job', job, 'states'), first, last), 0, nil
local ranges = {}
for index = 1, #states + 1 do
  local value = string.byte(states, index) or 0
  local item = first + index - 1
  if value >= FAILED then
    mark(job, item, WAITING, value % 64)
    redis.call('HDEL', key('job', job, 'errors'), item)
    found, from = found + 1, from or item
  elseif from then
    ranges[#ranges + 1] = {from, item - 1}
    from = nil
  end
end
if found == 0 then return 0 end
redis.call('DEL', key('job', job, 'tries'))
redis.call('HINCRBY', key('job', job), 'failed', -found)
if state == 'done' then
  set(job, 'state', 'running', 'finished', 0, 'expires', 0)
  redis.call('ZREM', key('expiry'), 'job ' .. job)
  redis.call('ZADD', key('user', get(job, 'owner'), 'atwork'), get(job, 'created'), job)
end
for _, range in ipairs(ranges) do push(job, queue, 'item', 0, range[1], range[2]) end
say(job, true)
return found
