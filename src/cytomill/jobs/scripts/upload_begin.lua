-- Begin to write a file. ARGV: upload, digest of its path, ticket.
-- Returns whether there is such an upload, and what is known of a large file with that path.
local upload, digest, ticket = unpack(ARGV)
if not alive(upload) then return {0, ''} end
redis.call('HSET', key('upload', upload, 'writing'), digest, ticket)
extend(upload)
return {1, redis.call('HGET', key('upload', upload, 'large'), digest) or ''}
