-- Attempts have ended.
-- ARGV: most tries, then of each attempt: job, queue, entry, kind, item, part, attempt, tries,
-- 'done' | 'failed', objects, seconds, reason.
-- Returns for each 1 where it counts (also when it says so again), 0 where it must undo what it
-- wrote.
local most = tonumber(ARGV[1])

local function took(job, queue, seconds)
  local numbers = key('queue', queue, 'numbers')
  local mean = redis.call('HGET', numbers, 'seconds') or seconds
  redis.call('HSET', numbers, 'seconds', mean * 0.98 + seconds * 0.02)
  redis.call('HINCRBYFLOAT', key('job', job), 'seconds', seconds)
  tally('seconds', seconds)
end

-- Listing that ended, but did not say which items are the last, has to go on.
local function end_list(job, queue, held, outcome, reason)
  if not held or not at_work(job) or get(job, 'sealed') == '1' then return end
  if outcome == 'failed' then end_job(job, 'failed', reason)
  else
    again(job, queue, 'list', 0, 0, 0, most, 'its inputs were not listed to the end', false, 1000)
  end
end

local function end_report(job, held, attempt, outcome, reason)
  if held and at_work(job) and epoch_of(job, 'report', 0) == attempt then
    end_job(job, outcome, reason)
  end
end

local function end_part(job, queue, held, item, part, attempt, outcome, seconds, reason)
  local epoch, total, left = fanned(job, item)
  if epoch ~= attempt or not at_work(job) then
    local state, attempts = standing(job, item)
    return outcome == 'failed' and state == FAILED and attempts == attempt and 1 or 0
  end
  if outcome == 'failed' then
    if not held then return 0 end
    fail_item(job, queue, item, attempt, reason)
  elseif redis.call('SETBIT', key('job', job, 'parts', item), part, 1) == 0 then
    redis.call('HSET', key('job', job, 'parts'), item,
      table.concat({epoch, total, left - 1}, ' '))
    took(job, queue, seconds)
    if left == 1 then push(job, queue, 'merge', item, 0, 0, epoch) end
  end
  return 1
end

local function end_item(job, queue, kind, item, attempt, outcome, objects, seconds, reason)
  local state, attempts = standing(job, item)
  if attempts ~= attempt then return 0 end
  if state == DONE or state == FAILED then
    return (state == DONE) == (outcome == 'done') and 1 or 0
  end
  if state ~= TAKEN or not at_work(job) then return 0 end
  took(job, queue, seconds)
  if outcome == 'failed' then
    fail_item(job, queue, item, attempt, reason)
  else
    mark(job, item, DONE, attempt)
    if kind == 'merge' then drop_parts(job, item) end
    redis.call('HINCRBY', key('job', job), 'objects', objects)
    redis.call('HINCRBY', key('job', job), 'done', 1)
    tally('done', 1)
    settle(job, queue)
  end
  return 1
end

local function finish(job, queue, entry, kind, item, part, attempt, tries, outcome, objects,
    seconds, reason)
  item, attempt = tonumber(item), tonumber(attempt)
  local held = drop(queue, entry)
  local state = get(job, 'state')
  if not state or state == 'deleting' then return 0 end
  local counts = state == 'cancelled' and 0 or 1
  if kind == 'part' then
    counts = end_part(job, queue, held, item, part, attempt, outcome, seconds, reason)
  elseif kind == 'item' or kind == 'merge' then
    counts = end_item(job, queue, kind, item, attempt, outcome, objects, seconds, reason)
  elseif kind == 'list' then
    end_list(job, queue, held, outcome, reason)
  else
    end_report(job, held, attempt, outcome, reason)
  end
  if counts == 1 and tries ~= '0' then
    redis.call('HDEL', key('job', job, 'tries'), table.concat({kind, item, part}, ' '))
  end
  return counts
end

local counts = {}
for index = 2, #ARGV, 12 do
  counts[#counts + 1] = finish(unpack(ARGV, index, index + 11))
end
return counts
