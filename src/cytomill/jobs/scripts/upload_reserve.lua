-- Count bytes and files that are about to be written. ARGV: upload, bytes, files, bytes that the
-- owner may have. Returns 'ok', 'gone' or 'quota'.
local upload, bytes, files, most = unpack(ARGV)
if not alive(upload) then return 'gone' end
if not fits(upload, bytes, most) then return 'quota' end
count(upload, bytes, files)
return 'ok'
