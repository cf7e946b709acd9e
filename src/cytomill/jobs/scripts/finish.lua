-- An attempt has ended.
-- ARGV: job, queue, entry, kind, item, part, attempt, 'done' | 'failed', objects, seconds, reason.
-- Returns 'won' where this attempt counts (also when it says so again), 'lost' where it must undo
-- what it wrote.
local job, queue, entry, kind, item, part, attempt, outcome, objects, seconds, reason = unpack(ARGV)
attempt = tonumber(attempt)
drop(queue, entry)
local state = get(job, 'state')
if not state or state == 'cancelled' or state == 'deleting' then return 'lost' end

if kind == 'list' then
  if outcome == 'failed' and state == 'listing' then end_job(job, 'failed', reason) end
  return 'won'
end

if kind == 'report' then
  if state == 'running' or state == 'paused' then
    if outcome == 'failed' then end_job(job, 'failed', reason)
    elseif number(job, 'done') + number(job, 'failed') == number(job, 'items') then
      end_job(job, 'done', '')
    end
  end
  return 'won'
end

local now_state, attempts = byte(job, item)
local numbers = key('queue', queue, 'numbers')
local mean = tonumber(redis.call('HGET', numbers, 'seconds') or seconds)

if kind == 'part' then
  local parts = key('job', job, 'parts')
  local fanned = now_state == TAKEN and redis.call('HGET', parts, item)
  if not fanned then return 'lost' end
  if outcome == 'failed' then
    fail_item(job, queue, item, attempts, reason)
    return 'won'
  end
  if redis.call('SETBIT', key('job', job, 'parts', item), part, 1) == 0 then
    local epoch, total, left = string.match(fanned, '^(%d+) (%d+) (%d+)$')
    redis.call('HSET', parts, item, table.concat({epoch, total, left - 1}, ' '))
    redis.call('HINCRBYFLOAT', key('job', job), 'seconds', seconds)
    if tonumber(left) == 1 then push(job, queue, 'merge', tonumber(item), 0, 0) end
    redis.call('HSET', numbers, 'seconds', mean * 0.98 + seconds * 0.02)
  end
  return 'won'
end

if attempts ~= attempt then return 'lost' end
if now_state == DONE then return outcome == 'done' and 'won' or 'lost' end
if now_state == FAILED then return outcome == 'failed' and 'won' or 'lost' end
if now_state ~= TAKEN then return 'lost' end
redis.call('HINCRBYFLOAT', key('job', job), 'seconds', seconds)
redis.call('HSET', numbers, 'seconds', mean * 0.98 + seconds * 0.02)
if outcome == 'failed' then
  fail_item(job, queue, item, attempt, reason)
else
  mark(job, item, DONE, attempt)
  drop_parts(job, item)
  redis.call('HINCRBY', key('job', job), 'objects', objects)
  redis.call('HINCRBY', key('job', job), 'done', 1)
  settle(job, queue)
end
return 'won'
