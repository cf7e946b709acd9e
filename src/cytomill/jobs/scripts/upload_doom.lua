-- An upload is to be deleted: from now on nobody finds it. ARGV: upload, seconds that a job may take
-- to be submitted after its uploads were held, seconds that one in use is kept longer.
-- Returns 'doomed', 'used' where a job that has not ended uses it, or 'none'.
local upload, grace, longer = unpack(ARGV)
in_any_case(upload)
if not get(upload, 'owner') then
  redis.call('ZREM', key('expiry'), 'upload ' .. upload)
  return 'none'
end
local jobs = key('upload', upload, 'jobs')
local held = redis.call('ZRANGE', jobs, 0, -1, 'WITHSCORES')
for i = 1, #held, 2 do
  local state = redis.call('HGET', key('job', held[i]), 'state')
  if state == 'listing' or state == 'running' or state == 'paused'
    or (not state and held[i + 1] + grace > now()) then
    keep(upload, longer)
    return 'used'
  end
  redis.call('ZREM', jobs, held[i])
end
redis.call('HSET', key('upload', upload), 'state', 'deleting')
redis.call('ZADD', key('expiry'), 0, 'upload ' .. upload)
redis.call('ZREM', key('uploads'), upload)
redis.call('ZREM', key('user', get(upload, 'owner'), 'uploads'), upload)
return 'doomed'
