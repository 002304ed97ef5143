@rem The npm scripts say `exec`, so that a shell between npm and Node swallows no signal. Windows has no such command.
@%*
