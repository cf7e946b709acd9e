-- What a queue has to do, for scaling. ARGV: queue.
-- What was put off comes due here too: where no consumer runs, none would be wanted for it.
-- Returns {waiting, in hand, ms since the oldest job with waiting tasks was submitted, seconds of a
-- task as text}.
local queue = ARGV[1]
come_due()
local numbers = key('queue', queue, 'numbers')
local oldest = redis.call('ZRANGE', key('queue', queue, 'ages'), 0, 0, 'WITHSCORES')[2]
return {
  tonumber(redis.call('HGET', numbers, 'waiting') or 0),
  redis.call('XLEN', key('queue', queue, 'tasks')),
  oldest and now() - math.floor(oldest * 1000) or 0,
  redis.call('HGET', numbers, 'seconds') or '0',
}
