-- A piece of a large file is there. ARGV: upload, digest of its path, number of the piece or -1
-- where pieces are objects. Returns whether the file is still wanted.
local upload, digest, piece = unpack(ARGV)
if not alive(upload) then return 0 end
if redis.call('HEXISTS', key('upload', upload, 'large'), digest) == 0 then return 0 end
if tonumber(piece) >= 0 then
  redis.call('SETBIT', key('upload', upload, 'have', digest), piece, 1)
end
extend(upload)
return 1
