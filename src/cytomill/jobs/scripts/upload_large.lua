-- Begin a large file, or go on with it. ARGV: upload, digest of its path, the file as JSON, its
-- bytes, bytes that the owner may have. Returns {'ok' | 'gone' | 'quota', the file that is there}.
local upload, digest, told, bytes, most = unpack(ARGV)
if not alive(upload) then return {'gone', ''} end
local large = key('upload', upload, 'large')
local known = redis.call('HGET', large, digest)
if not known then
  if not fits(upload, bytes, most) then return {'quota', ''} end
  count(upload, bytes, 0)
  redis.call('HSET', large, digest, told)
end
extend(upload)
return {'ok', known or told}
