-- Keys of uploads. All begin with {cytomill}: so that they share a slot in a Redis Cluster.
--
-- {cytomill}:upload:U           hash    owner, name, created, expires, days, bytes, files, state
-- {cytomill}:upload:U:writing   hash    digest of a path -> ticket of who began last to write it
-- {cytomill}:upload:U:large     hash    digest of a path -> the large file, as JSON
-- {cytomill}:upload:U:have:D    string  a bit for each piece that is there, where pieces are no objects
-- {cytomill}:upload:U:closing:D string  ticket of who puts the file together
-- {cytomill}:upload:U:jobs      zset    jobs that use it -> when they were submitted
-- {cytomill}:uploads            zset    uploads -> when they were made
-- {cytomill}:user:O:uploads     zset    those of user O
-- {cytomill}:user:O:bytes       string  bytes of O's uploads: the sum of theirs
-- {cytomill}:expiry             zset    "upload U" -> when it is to be deleted; jobs too
--
-- Times are seconds since 1970 of the server's clock.

local function key(...) return '{cytomill}:' .. table.concat({...}, ':') end

local function now()
  local t = redis.call('TIME')
  return t[1] + t[2] / 1e6
end

local function get(upload, field) return redis.call('HGET', key('upload', upload), field) end

local function alive(upload)
  return get(upload, 'owner') and get(upload, 'state') ~= 'deleting'
end

-- A script that has removed something may write though the memory is full: who ends something, or
-- deletes it, makes room.
local function in_any_case(upload) redis.call('HDEL', key('upload', upload), 'none') end

local function keep(upload, seconds)
  local expires = now() + seconds
  if expires > tonumber(get(upload, 'expires')) then
    redis.call('HSET', key('upload', upload), 'expires', expires)
    redis.call('ZADD', key('expiry'), expires, 'upload ' .. upload)
  end
end

local function extend(upload) keep(upload, get(upload, 'days') * 86400) end

local function count(upload, bytes, files)
  redis.call('HINCRBY', key('upload', upload), 'bytes', bytes)
  redis.call('HINCRBY', key('upload', upload), 'files', files)
  redis.call('INCRBY', key('user', get(upload, 'owner'), 'bytes'), bytes)
end

-- Whether the owner may have so many bytes more.
local function fits(upload, bytes, most)
  local used = tonumber(redis.call('GET', key('user', get(upload, 'owner'), 'bytes')) or 0)
  return used + tonumber(bytes) <= tonumber(most)
end
