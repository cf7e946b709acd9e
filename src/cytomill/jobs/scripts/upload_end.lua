-- A file was written, or not. ARGV: upload, digest of its path, ticket, whether it was, bytes and
-- files to be counted yet, bytes that it replaced, files that were counted for it before.
-- Returns whether there still is such an upload.
--
-- What was replaced is uncounted by the last to begin alone: of two that write one path at once the
-- other cannot know what it replaced. So bytes may be counted that are gone, until the upload is
-- deleted, but none are there that are not counted.
local upload, digest, ticket, written, bytes, files, replaced, counted = unpack(ARGV)
if not alive(upload) then return 0 end
in_any_case(upload)
local writing = key('upload', upload, 'writing')
local last = redis.call('HGET', writing, digest) == ticket
if last then redis.call('HDEL', writing, digest) end
if written == '1' then
  if last then bytes = bytes - replaced else files = files - counted end
end
count(upload, bytes, files)
return 1
