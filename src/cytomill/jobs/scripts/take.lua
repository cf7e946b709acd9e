-- Take tasks: of the user who had least, of that user's job of highest priority that had least.
-- ARGV: consumer, tasks wanted, '1' where the consumer has nothing in hand, lease in ms, most tries,
-- then the queues in the order to look.
-- Returns {suspects that wait for an idle consumer, alone (1 or 0), {task, ...}}, where a task is
-- {queue, entry, job, kind, item, part, attempt, attempt of its parts, tries}.
local consumer, wanted, idle, lease, most = unpack(ARGV, 1, 5)
wanted, lease, most = tonumber(wanted), tonumber(lease), tonumber(most)
local taken, suspects = {}, 0

local function hand_out(queue, job, kind, item, part)
  item, part = tonumber(item), tonumber(part)
  local attempt, parts = 0, 0
  if kind == 'list' then
    if get(job, 'state') ~= 'listing' then return end
  elseif kind == 'report' then
    if number(job, 'done') + number(job, 'failed') < number(job, 'items') then return end
  else
    local state, attempts = byte(job, item)
    attempt = attempts
    local fanned = redis.call('HGET', key('job', job, 'parts'), item)
    if kind == 'item' then
      if state ~= WAITING then return end
      attempt = attempts + 1
    else
      if state ~= TAKEN or not fanned then return end
      parts = tonumber(string.match(fanned, '^%d+'))
      if kind == 'merge' then attempt = attempts + 1
      elseif redis.call('GETBIT', key('job', job, 'parts', item), part) == 1 then return end
    end
    if kind ~= 'part' then mark(job, item, TAKEN, attempt) end
  end
  local tries = redis.call('HGET', key('job', job, 'tries'), table.concat({kind, item, part}, ' '))
  local entry = redis.call('XADD', key('queue', queue, 'tasks'), '*', 'job', job, 'kind', kind,
    'item', item, 'part', part, 'attempt', attempt)
  if number(job, 'started') == 0 then
    set(job, 'started', now() / 1000)
    say(job, true)
  end
  taken[#taken + 1] = {queue, entry, job, kind, item, part, attempt, parts, tonumber(tries or 0)}
end

-- The next task of a job: {kind, item, part}, or nil.
local function next_of(job)
  local more = key('job', job, 'more')
  local line = redis.call('LPOP', more)
  if line then
    local kind, item, first, last = string.match(line, '^(%S+) (%d+) (%d+) (%d+)$')
    if tonumber(first) < tonumber(last) then
      redis.call('LPUSH', more, table.concat({kind, item, first + 1, last}, ' '))
    end
    if kind == 'item' then return kind, first, 0 end
    return kind, item, first
  end
  local item = number(job, 'next')
  if item < number(job, 'items') then
    set(job, 'next', item + 1)
    return 'item', item, 0
  end
end

local function take_suspect(queue)
  local list = key('queue', queue, 'suspects')
  while true do
    local line = redis.call('LPOP', list)
    if not line then return false end
    local job, kind, item, part = string.match(line, '^(%S+) (%S+) (%d+) (%d+)$')
    if active(job) then
      count(job, queue, -1)
      hand_out(queue, job, kind, item, part)
      if #taken > 0 then return true end
    elseif get(job, 'state') == 'paused' then
      count(job, queue, -1)
      come_back(job, queue, kind, item, part)
    end
  end
end

local function take_fair(queue)
  local users = key('queue', queue, 'users')
  while #taken < wanted do
    local user = redis.call('ZRANGE', users, 0, 0)[1]
    if not user then return end
    local mine = key('queue', queue, 'user', user)
    local job = redis.call('ZRANGE', mine, 0, 0)[1]
    if not job then
      redis.call('ZREM', users, user)
    else
      local kind, item, part = next_of(job)
      if kind then
        count(job, queue, -1)
        redis.call('ZINCRBY', users, 1, user)
        redis.call('ZINCRBY', mine, 1, job)
        hand_out(queue, job, kind, item, part)
      else
        leave(queue, user, job)
      end
    end
  end
end

come_due()
local alone = 0
for index = 6, #ARGV do
  local queue = ARGV[index]
  reap(queue, lease, most)
  local before = #taken
  if idle == '1' and #taken == 0 and take_suspect(queue) then
    alone = 1
  else
    take_fair(queue)
    suspects = suspects + redis.call('LLEN', key('queue', queue, 'suspects'))
  end
  if #taken > before then
    redis.call('XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', #taken - before,
      'STREAMS', key('queue', queue, 'tasks'), '>')
  end
  if alone == 1 or #taken >= wanted then break end
end
return {suspects, alone, taken}
