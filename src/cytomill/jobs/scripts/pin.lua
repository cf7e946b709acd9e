-- Keep a job for ever ('1'), or let it expire ('0'). ARGV: job, '1' | '0'. Returns 1, 0 for no job.
local job, pinned = unpack(ARGV)
local state = get(job, 'state')
if not state or state == 'deleting' then return 0 end
set(job, 'pinned', pinned)
expire(job)
say(job, true)
return 1
