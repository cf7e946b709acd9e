-- Try the failed ones of the items `first` to `last` again, and the report if that failed.
-- ARGV: job, queue, first, last.
-- Returns how many items there were; -1 where the job was cancelled or its listing failed.
local job, queue, first, last = unpack(ARGV)
first, last = tonumber(first), tonumber(last)
local state = get(job, 'state')
local ended = not at_work(job)
if ended and (not all_ended(job) or (state ~= 'done' and state ~= 'failed')) then return -1 end

-- Ranges of failed items.
local found, ranges, from = 0, {}, nil
last = math.min(last, number(job, 'items') - 1)
local states =
  redis.call('GETRANGE', key('job', job, 'states'), first * WIDTH, last * WIDTH + WIDTH - 1)
for item = first, last + 1 do
  local value = item <= last and struct.unpack('>I4', states, (item - first) * WIDTH + 1) or 0
  if value >= FAILED then
    mark(job, item, WAITING, value - FAILED)
    redis.call('HDEL', key('job', job, 'errors'), item)
    found, from = found + 1, from or item
  elseif from then
    ranges[#ranges + 1] = {from, item - 1}
    from = nil
  end
end
if found == 0 and state ~= 'failed' then return 0 end

redis.call('DEL', key('job', job, 'tries'))
redis.call('HINCRBY', key('job', job), 'failed', 0 - found)
if ended then
  set(job, 'state', 'running', 'reason', '', 'finished', 0)
  expire(job)
  redis.call('ZADD', key('user', get(job, 'owner'), 'atwork'), get(job, 'created'), job)
end
for _, range in ipairs(ranges) do push(job, queue, 'item', 0, range[1], range[2], 0) end
if found == 0 then settle(job, queue) end
say(job, true)
return found
