%% The benchmarks on the BEAM, each as an Erlang programmer would write it.
%%
%%     erl -noinput -run bench main BENCHMARK COUNT
%%
%% prints {"count": …, "value": …} after two warm-ups, as src/child.ts does.
-module(bench).
-behaviour(gen_server).
%% And a supervisor, whose init has the same name: the compiler would warn of that.

-export([main/1]).

-export([init/1, handle_call/3, handle_cast/2]).
-export([remote_sink/0, remote_echo/0]).
-export([pass/3, start_worker/1, start_group/1]).

-define(WARM_UPS, 2).

main([Name, Count]) ->
    N = list_to_integer(Count),
    %% What crashes here does so on purpose.
    logger:set_primary_config(level, none),
    try
        WarmUp = 2 * ceil(N / 20),
        [job(Name, WarmUp) || _ <- lists:seq(1, ?WARM_UPS)],
        erlang:garbage_collect(),
        {Counted, Value} = job(Name, N),
        io:format("{\"count\":~b,\"value\":~.3f}~n", [Counted, float(Value)]),
        halt(0)
    catch
        Class:Reason:Stack ->
            io:format(standard_error, "~s: ~p~n", [Name, {Class, Reason, Stack}]),
            halt(1)
    end.

job("ping-pong", N) -> ping_pong(N);
job("ping-pong-handlers", N) -> ping_pong(N);
job("counting", N) -> counting(N);
job("counting-handlers", N) -> counting(N);
job("counting-yielding", N) -> counting(N);
job("ring", N) -> ring(N);
job("call", N) -> call(N, 0);
job("selective-call", N) -> call(N, 100000);
job("server-call", N) -> call(N, 0);
job("server-cast", N) -> server_cast(N);
job("server-cast-yielding", N) -> server_cast(N);
job("remote-cast", N) -> with_peer(fun(Peer) -> remote_cast(Peer, N) end);
job("remote-call", N) -> with_peer(fun(Peer) -> remote_call(Peer, N) end);
job("crash-to-served", N) -> crash_to_served(N);
job("one-for-all-1000", N) -> one_for_all(N);
job("escalation-10", N) -> escalation(N);
job("dynamic-start", N) -> dynamic_start(N);
job("dynamic-stop", N) -> dynamic_stop(N);
job("server-memory", N) -> server_memory(N);
job("mailbox-drain-100k", N) -> mailbox_drain(N, 100000);
job("mailbox-drain-1m", N) -> mailbox_drain(N, 1000000);
job("spawn-monitor-exit", N) -> spawn_monitor_exit(N);
job("link-chain-100k", N) -> link_chain(N, 100000);
job("link-chain-1m", N) -> link_chain(N, 1000000);
job("idle-memory", N) -> idle_memory(N);
job("million", N) -> million(N);
job("million-memory", N) -> million_memory(N);
job("timers", N) -> timers(N);
job("timer-fire", N) -> timer_fire(N);
job("timer-latency", N) -> timer_latency(N);
job("timer-latency-handlers", N) -> timer_latency(N).

%% ── ping-pong ─────────────────────────────────────────────────────────────

ping_pong(N) ->
    Start = now_ns(),
    Pings = in_process(fun() ->
        Ponger = spawn_link(fun ponger/0),
        pinger(Ponger, N div 2, 0)
    end),
    Messages = 2 * Pings,
    {Messages, per_second(Messages, Start)}.

ponger() ->
    receive
        {ping, From} ->
            From ! pong,
            ponger()
    end.

pinger(_Ponger, 0, Received) ->
    Received;
pinger(Ponger, Left, Received) ->
    Ponger ! {ping, self()},
    receive
        pong -> pinger(Ponger, Left - 1, Received + 1)
    end.

%% ── counting ──────────────────────────────────────────────────────────────

counting(N) ->
    Start = now_ns(),
    Total = in_process(fun() ->
        Counter = spawn_link(fun() -> counter(0) end),
        flood(Counter, 1, N),
        Counter ! {retrieve, self()},
        receive
            {total, Counted} -> Counted
        end
    end),
    {Total, per_second(Total, Start)}.

counter(Counted) ->
    receive
        {increment, By} ->
            counter(Counted + By);
        {retrieve, From} ->
            From ! {total, Counted},
            counter(Counted)
    end.

%% By is no literal: a tuple of literals would not be made anew for each message.
flood(_Counter, _By, 0) ->
    ok;
flood(Counter, By, Left) ->
    Counter ! {increment, By},
    flood(Counter, By, Left - 1).

%% ── ring ──────────────────────────────────────────────────────────────────

ring(N) ->
    Main = self(),
    First = spawn(fun() ->
        Pass = fun(_, Next) -> spawn_link(?MODULE, pass, [Next, N, Main]) end,
        Next = lists:foldl(Pass, self(), lists:seq(1, 999)),
        Main ! {start, now_ns()},
        Next ! 1,
        pass(Next, N, Main)
    end),
    receive
        {start, Start} -> ok
    end,
    receive
        {passed, Passed} -> ok
    end,
    Value = per_second(Passed, Start),
    exit(First, kill),
    {Passed, Value}.

pass(Next, N, Main) ->
    receive
        N ->
            Main ! {passed, N},
            pass(Next, N, Main);
        Passed ->
            Next ! Passed + 1,
            pass(Next, N, Main)
    end.

%% ── call, selective-call ──────────────────────────────────────────────────

call(N, Unmatched) ->
    in_process(fun() ->
        {ok, Server} = gen_server:start_link(?MODULE, [], []),
        [self() ! unmatched || _ <- lists:seq(1, Unmatched)],
        Start = now_ns(),
        Called = calls(Server, N, 0),
        Value = per_second(Called, Start),
        {message_queue_len, Unmatched} = process_info(self(), message_queue_len),
        {Called, Value}
    end).

calls(_Server, N, N) -> N;
calls(Server, N, Called) -> calls(Server, N, gen_server:call(Server, Called)).

init([]) ->
    {ok, 0};
init({worker, Main}) ->
    Main ! {started, self()},
    {ok, 0};
init({supervisor, Strategy, Intensity, Children}) ->
    {ok, {#{strategy => Strategy, intensity => Intensity, period => 3600}, Children}}.

handle_call(retrieve, _From, Counted) -> {reply, Counted, Counted};
handle_call(Request, _From, State) -> {reply, Request + 1, State}.

handle_cast({increment, By}, Counted) -> {noreply, Counted + By};
handle_cast(crash, _State) -> error(boom).

%% ── server-cast ───────────────────────────────────────────────────────────

server_cast(N) ->
    in_process(fun() ->
        {ok, Server} = gen_server:start_link(?MODULE, [], []),
        Start = now_ns(),
        casts(Server, 1, N),
        Counted = gen_server:call(Server, retrieve, infinity),
        {Counted, per_second(Counted, Start)}
    end).

casts(_Server, _By, 0) ->
    ok;
casts(Server, By, Left) ->
    gen_server:cast(Server, {increment, By}),
    casts(Server, By, Left - 1).

%% ── crash-to-served, one-for-all, escalation ──────────────────────────────

start_worker(Main) -> gen_server:start_link(?MODULE, {worker, Main}, []).

start_group(Init) -> supervisor:start_link(?MODULE, Init).

worker(Id, Main) -> #{id => Id, start => {?MODULE, start_worker, [Main]}}.

crash_to_served(N) ->
    in_process(fun() ->
        {ok, _} = start_group({supervisor, one_for_one, N, [worker(worker, self())]}),
        Ns = serve_again(N, started(), []),
        {length(Ns), lists:nth(ceil(length(Ns) / 2), lists:sort(Ns)) / 1000}
    end).

serve_again(0, _Pid, Ns) ->
    Ns;
serve_again(Left, Pid, Ns) ->
    Start = now_ns(),
    gen_server:cast(Pid, crash),
    New = started(),
    2 = gen_server:call(New, 1),
    serve_again(Left - 1, New, [now_ns() - Start | Ns]).

started() ->
    receive
        {started, Pid} -> Pid
    end.

one_for_all(N) ->
    Size = min(N, 1000),
    in_process(fun() ->
        Children = [worker(Id, self()) || Id <- lists:seq(1, Size)],
        {ok, _} = start_group({supervisor, one_for_all, N, Children}),
        [First | _] = [started() || _ <- Children],
        Start = now_ns(),
        Restarted = restart_all(N div Size, Size, First, 0),
        {Restarted, (now_ns() - Start) / 1.0e6 / (N div Size)}
    end).

restart_all(0, _Size, _First, Restarted) ->
    Restarted;
restart_all(Left, Size, First, Restarted) ->
    gen_server:cast(First, crash),
    [New | _] = All = [started() || _ <- lists:seq(1, Size)],
    restart_all(Left - 1, Size, New, Restarted + length(All)).

escalation(N) ->
    in_process(fun() ->
        Below = lists:foldl(
            fun(Level, Child) ->
                #{
                    id => Level,
                    type => supervisor,
                    start => {?MODULE, start_group, [{supervisor, one_for_one, 0, [Child]}]}
                }
            end,
            worker(worker, self()),
            lists:seq(2, 10)
        ),
        {ok, _} = start_group({supervisor, one_for_one, N, [Below]}),
        Leaf = started(),
        Start = now_ns(),
        Escalated = escalate(N, Leaf, 0),
        {Escalated, (now_ns() - Start) / 1000 / N}
    end).

escalate(0, _Leaf, Escalated) ->
    Escalated;
escalate(Left, Leaf, Escalated) ->
    gen_server:cast(Leaf, crash),
    escalate(Left - 1, started(), Escalated + 1).

%% ── dynamic-start, dynamic-stop, server-memory ────────────────────────────

start_dynamic() ->
    Template = #{id => server, start => {gen_server, start_link, [?MODULE, [], []]}},
    start_group({supervisor, simple_one_for_one, 1, [Template]}).

start_children(_Supervisor, 0) ->
    ok;
start_children(Supervisor, Left) ->
    {ok, _} = supervisor:start_child(Supervisor, []),
    start_children(Supervisor, Left - 1).

dynamic_start(N) ->
    in_process(fun() ->
        {ok, Supervisor} = start_dynamic(),
        Start = now_ns(),
        start_children(Supervisor, N),
        Value = per_second(N, Start),
        {proplists:get_value(active, supervisor:count_children(Supervisor)), Value}
    end).

dynamic_stop(N) ->
    in_process(fun() ->
        {ok, Supervisor} = start_dynamic(),
        start_children(Supervisor, N),
        Before = erlang:system_info(process_count),
        unlink(Supervisor),
        Start = now_ns(),
        gen_server:stop(Supervisor),
        Value = per_second(N, Start),
        {Before - erlang:system_info(process_count) - 1, Value}
    end).

server_memory(N) ->
    in_process(fun() ->
        {ok, Supervisor} = start_dynamic(),
        erlang:garbage_collect(),
        Before = erlang:memory(processes_used),
        start_children(Supervisor, N),
        erlang:garbage_collect(Supervisor),
        erlang:garbage_collect(),
        {N, (erlang:memory(processes_used) - Before) / N}
    end).

%% ── mailbox-drain ─────────────────────────────────────────────────────────

mailbox_drain(N, Backlog) ->
    Drained = [drain(Messages) || Messages <- in_parts(N, Backlog)],
    {Taken, Ns} = total(Drained),
    {Taken, Taken * 1.0e9 / Ns}.

drain(N) ->
    Main = self(),
    Receiver = spawn_link(fun() ->
        receive
            go -> ok
        end,
        Start = now_ns(),
        Taken = drain(N, 0),
        Main ! {drained, Taken, now_ns() - Start}
    end),
    [Receiver ! I || I <- lists:seq(0, N - 1)],
    Receiver ! go,
    receive
        {drained, Taken, Ns} -> {Taken, Ns}
    end.

drain(N, N) ->
    N;
drain(N, Taken) ->
    receive
        Message ->
            Taken = Message,
            drain(N, Taken + 1)
    end.

%% ── spawn-monitor-exit ────────────────────────────────────────────────────

spawn_monitor_exit(N) ->
    Start = now_ns(),
    Ended = in_process(fun() -> spawn_monitor_exit(N, 0) end),
    {Ended, per_second(Ended, Start)}.

spawn_monitor_exit(0, Ended) ->
    Ended;
spawn_monitor_exit(Left, Ended) ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    receive
        {'DOWN', Ref, process, Pid, normal} -> spawn_monitor_exit(Left - 1, Ended + 1)
    end.

%% ── link-chain ────────────────────────────────────────────────────────────

link_chain(N, Length) ->
    {Died, Ns} = total([kill_chain(Part) || Part <- in_parts(N, Length)]),
    {Died, Ns / Died}.

kill_chain(Length) ->
    Main = self(),
    Before = erlang:system_info(process_count),
    First = spawn(fun() -> chain(Length, Main) end),
    Last =
        receive
            {last, Pid} -> Pid
        end,
    Alive = erlang:system_info(process_count),
    Ref = monitor(process, Last),
    Start = now_ns(),
    exit(First, boom),
    receive
        {'DOWN', Ref, process, Last, boom} -> ok
    end,
    wait_until(fun() -> erlang:system_info(process_count) =< Before end),
    {Alive - erlang:system_info(process_count), now_ns() - Start}.

chain(1, Main) ->
    Main ! {last, self()},
    idle();
chain(Length, Main) ->
    spawn_link(fun() -> chain(Length - 1, Main) end),
    idle().

idle() ->
    receive
        stop -> ok
    end.

wait_until(Condition) ->
    case Condition() of
        true ->
            ok;
        false ->
            erlang:yield(),
            wait_until(Condition)
    end.

%% ── idle-memory ───────────────────────────────────────────────────────────

idle_memory(N) ->
    in_process(fun() ->
        Main = self(),
        erlang:garbage_collect(),
        Before = erlang:memory(processes_used),
        spawn_idle(N, Main),
        await(waiting, N),
        erlang:garbage_collect(),
        Value = (erlang:memory(processes_used) - Before) / N,
        {N, Value}
    end).

spawn_idle(0, _Main) ->
    ok;
spawn_idle(Left, Main) ->
    spawn(fun() ->
        Main ! waiting,
        idle()
    end),
    spawn_idle(Left - 1, Main).

await(_Message, 0) ->
    ok;
await(Message, Left) ->
    receive
        Message -> await(Message, Left - 1)
    end.

%% ── million ───────────────────────────────────────────────────────────────

million(N) ->
    {Answers, Seconds, _Bytes} = ask(N),
    {Answers, Seconds}.

million_memory(N) ->
    {Answers, _Seconds, Bytes} = ask(N),
    {Answers, Bytes / 1000000}.

ask(N) ->
    in_process(fun() ->
        Start = now_ns(),
        Before = erlang:system_info(process_count),
        Asked = [spawn(fun answerer/0) || _ <- lists:seq(1, N)],
        [Pid ! {from, self()} || Pid <- Asked],
        await(here, N),
        Seconds = (now_ns() - Start) / 1.0e9,
        Alive = erlang:system_info(process_count) - Before,
        Bytes = rss_bytes(),
        [exit(Pid, kill) || Pid <- Asked],
        wait_until(fun() -> erlang:system_info(process_count) =< Before end),
        {Alive, Seconds, Bytes}
    end).

answerer() ->
    receive
        {from, From} ->
            From ! here,
            answerer()
    end.

rss_bytes() ->
    1024 * list_to_integer(string:trim(os:cmd("ps -o rss= -p " ++ os:getpid()))).

%% ── timers ────────────────────────────────────────────────────────────────

timers(N) ->
    in_process(fun() ->
        Pending = [
            erlang:send_after(60000 + (I * 7919) rem 60000, self(), due)
         || I <- lists:seq(0, 9999)
        ],
        Start = now_ns(),
        Cancelled = set_and_cancel(N, 0),
        Value = per_second(Cancelled, Start),
        [erlang:cancel_timer(Timer) || Timer <- Pending],
        {Cancelled, Value}
    end).

set_and_cancel(0, Cancelled) ->
    Cancelled;
set_and_cancel(Left, Cancelled) ->
    Timer = erlang:send_after(5000, self(), due),
    case erlang:cancel_timer(Timer) of
        false -> set_and_cancel(Left - 1, Cancelled);
        _LeftMs -> set_and_cancel(Left - 1, Cancelled + 1)
    end.

%% ── timer-fire ────────────────────────────────────────────────────────────

timer_fire(N) ->
    Start = now_ns(),
    Fired = in_process(fun() -> fire(N, 0) end),
    {Fired, per_second(Fired, Start)}.

fire(N, N) ->
    N;
fire(N, Fired) ->
    Batch = min(100000, N - Fired),
    set_batch(Batch, 0),
    await(due, Batch),
    fire(N, Fired + Batch).

set_batch(Batch, Batch) ->
    ok;
set_batch(Batch, I) ->
    erlang:send_after(1 + (I * 7919) rem 20, self(), due),
    set_batch(Batch, I + 1).

%% ── timer-latency ─────────────────────────────────────────────────────────

timer_latency(N) ->
    Player = spawn_link(fun player/0),
    Other = spawn_link(fun() ->
        Player ! {ball, self()},
        player()
    end),
    LateNs = in_process(fun() -> ticks(N, []) end),
    true = lists:all(fun is_process_alive/1, [Player, Other]),
    [
        begin
            unlink(Pid),
            exit(Pid, kill)
        end
     || Pid <- [Player, Other]
    ],
    Sorted = lists:sort(LateNs),
    {length(LateNs), lists:nth(ceil(0.99 * length(Sorted)), Sorted) / 1.0e6}.

player() ->
    receive
        {ball, From} ->
            From ! {ball, self()},
            player()
    end.

ticks(0, LateNs) ->
    LateNs;
ticks(Left, LateNs) ->
    Due = now_ns() + 10000000,
    erlang:send_after(10, self(), due),
    receive
        due -> ticks(Left - 1, [now_ns() - Due | LateNs])
    end.

%% ── for all ───────────────────────────────────────────────────────────────

%% What Work returns, done by a new process: its heap is empty and its mailbox is its own.
in_process(Work) ->
    {Pid, Ref} = spawn_monitor(fun() -> exit({done, Work()}) end),
    receive
        {'DOWN', Ref, process, Pid, {done, Result}} -> Result;
        {'DOWN', Ref, process, Pid, Reason} -> error(Reason)
    end.

%% N as parts of Size, and the rest.
in_parts(0, _Size) -> [];
in_parts(N, Size) -> [min(N, Size) | in_parts(N - min(N, Size), Size)].

total(Parts) ->
    {Counts, Ns} = lists:unzip(Parts),
    {lists:sum(Counts), lists:sum(Ns)}.

now_ns() -> erlang:monotonic_time(nanosecond).

per_second(Count, Start) -> Count * 1.0e9 / (now_ns() - Start).

%% Another node on this machine, over the loopback.

with_peer(Job) ->
    case node() of
        nonode@nohost ->
            os:cmd("epmd -daemon"),
            ok = listens(100),
            Own = list_to_atom("coppice_bench_" ++ os:getpid()),
            {ok, _} = net_kernel:start([Own, shortnames]);
        _ ->
            ok
    end,
    {ok, Peer, Node} = peer:start(#{name => peer:random_name(),
                                    args => ["-pa", filename:dirname(code:which(?MODULE))]}),
    try Job(Node) after peer:stop(Peer) end.

%% epmd goes on in the background before it listens.
listens(0) -> {error, no_epmd};
listens(Tries) ->
    case erl_epmd:names() of
        {ok, _} -> ok;
        {error, _} -> timer:sleep(50), listens(Tries - 1)
    end.

remote_cast(Node, N) ->
    Sink = spawn(Node, ?MODULE, remote_sink, []),
    Message = binary:copy(<<7>>, 100),
    Start = erlang:monotonic_time(microsecond),
    [Sink ! Message || _ <- lists:seq(1, N)],
    Sink ! {count, self()},
    receive {counted, Counted} -> {Counted, Counted * 1.0e6 / (erlang:monotonic_time(microsecond) - Start)} end.

remote_sink() -> remote_sink(0).

remote_sink(Counted) ->
    receive
        {count, From} -> From ! {counted, Counted};
        _ -> remote_sink(Counted + 1)
    end.

remote_call(Node, N) ->
    Echo = spawn(Node, ?MODULE, remote_echo, []),
    Times = [begin
                 Start = erlang:monotonic_time(nanosecond),
                 Ref = monitor(process, Echo),
                 Echo ! {Ref, self(), I},
                 receive {Ref, I} -> demonitor(Ref, [flush]) end,
                 erlang:monotonic_time(nanosecond) - Start
             end || I <- lists:seq(1, N)],
    {N, lists:nth(N div 2, lists:sort(Times)) / 1000}.

remote_echo() ->
    receive {Ref, From, I} -> From ! {Ref, I}, remote_echo() end.
