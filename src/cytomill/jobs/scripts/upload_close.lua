-- A large file was put together, or is given up. ARGV: upload, digest of its path, the file as JSON
-- where it stays one of pieces, else '', bytes and files to be counted yet.
-- Returns whether there still is such an upload.
local upload, digest, told, bytes, files = unpack(ARGV)
if not alive(upload) then return 0 end
in_any_case(upload)
local large = key('upload', upload, 'large')
if redis.call('HEXISTS', large, digest) == 1 then count(upload, bytes, files) end
if told ~= '' then redis.call('HSET', large, digest, told) else redis.call('HDEL', large, digest) end
redis.call('DEL', key('upload', upload, 'have', digest), key('upload', upload, 'closing', digest))
return 1
