-- Make an upload. ARGV: upload, owner, name, days, uploads that owner may have.
-- Returns whether it was made.
local upload, owner, name, days, most = unpack(ARGV)
if redis.call('ZCARD', key('user', owner, 'uploads')) >= tonumber(most) then return 0 end
local created = now()
redis.call('HSET', key('upload', upload), 'owner', owner, 'name', name, 'days', days,
  'created', created, 'expires', 0, 'bytes', 0, 'files', 0)
redis.call('ZADD', key('uploads'), created, upload)
redis.call('ZADD', key('user', owner, 'uploads'), created, upload)
extend(upload)
return 1
