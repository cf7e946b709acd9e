-- Go on with a paused job. ARGV: job. Returns 1, or 0 where it is not paused.
return resume_job(ARGV[1])
