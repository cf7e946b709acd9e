-- Remove what is known of an upload whose files are gone. ARGV: upload.
local upload = ARGV[1]
in_any_case(upload)
if get(upload, 'state') ~= 'deleting' then return 0 end
local used = key('user', get(upload, 'owner'), 'bytes')
if redis.call('DECRBY', used, get(upload, 'bytes')) <= 0 then redis.call('DEL', used) end
local large = key('upload', upload, 'large')
for _, digest in ipairs(redis.call('HKEYS', large)) do
  redis.call('DEL', key('upload', upload, 'have', digest), key('upload', upload, 'closing', digest))
end
redis.call('DEL', key('upload', upload), key('upload', upload, 'writing'), large,
  key('upload', upload, 'jobs'))
redis.call('ZREM', key('expiry'), 'upload ' .. upload)
return 1
