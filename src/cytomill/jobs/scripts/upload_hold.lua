-- Keep an upload, for a job where one is named. ARGV: upload, job or ''.
-- Returns whether there is such an upload.
local upload, job = unpack(ARGV)
if not alive(upload) then return 0 end
if job ~= '' then
  local jobs = key('upload', upload, 'jobs')
  redis.call('ZADD', jobs, now(), job)
end
extend(upload)
return 1
