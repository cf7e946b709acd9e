"""What SLURM says is amiss, in words: why it refuses jobs, and why they wait or have ended."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What is amiss and what helps.

    ``fewer`` says that asking for fewer jobs may do, ``soon`` that it is so in passing and no
    reason to tell anybody yet.
    """

    cause: str
    advice: str
    fewer: bool = False
    soon: bool = False


class SlurmError(Exception):
    """A command of SLURM did not do what it was asked; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.cause}; {fault.advice}")
        self.fault = fault


class RefusedError(SlurmError):
    """SLURM does not take what it was given."""


class AwayError(SlurmError):
    """SLURM does not answer.

    ``unsure`` says that it may have heard the question, ``absent`` that it is not on this machine.
    """

    def __init__(self, fault: Fault, *, unsure: bool = False, absent: bool = False) -> None:
        super().__init__(fault)
        self.unsure, self.absent = unsure, absent


_LIMIT = "a limit on jobs is reached"
_SEE_LIMITS = "it goes on as jobs end; see your limits with: sacctmgr show assoc user=$USER"
_PARTITIONS = "see what there is with: sinfo -s, and name it with --partition"
_ACCOUNTS = (
    "name one of yours with --account: sacctmgr show assoc user=$USER format=account,partition"
)
_NODES = "see what nodes have with: sinfo -o '%P %c %m %G %f', and ask for that"
_TIME = "ask for less with --time; the limits are shown by: sinfo -o '%P %l'"
_GRES = "see what there is with: sinfo -o '%P %G', and name it with --gres"
_OPERATORS = "ask the cluster's operators"

#: What ``sbatch`` says when it takes no job: the first that is found.
_REFUSALS = [
    (r"invalid partition", Fault("there is no such partition", _PARTITIONS)),
    (
        r"group not permitted|Access/permission denied",
        Fault("you may not use this partition", _PARTITIONS),
    ),
    (
        r"invalid account|account/partition combination",
        Fault("the account is not one of yours, or may not use this partition", _ACCOUNTS),
    ),
    (r"invalid qos", Fault("there is no such QOS for you", f"{_OPERATORS}, or change --extra")),
    (
        r"submit limit|accounting/QOS policy|AssocMaxSubmit|QOSMaxSubmit",
        Fault(_LIMIT, _SEE_LIMITS, fewer=True),
    ),
    (
        r"invalid job array",
        Fault("it takes no array of that many jobs", "none needed: fewer are tried", fewer=True),
    ),
    (
        r"temporarily unable to accept|job count|MaxJobCount",
        Fault("the cluster takes no more jobs at present", _SEE_LIMITS, fewer=True),
    ),
    (r"invalid generic resource", Fault("no node has what --gres asks for", _GRES)),
    (
        r"invalid feature",
        Fault("no node has the feature that --extra asks for", "see: sinfo -o '%P %f'"),
    ),
    (r"time limit|--time spec", Fault("it does not allow jobs of that time", _TIME)),
    (
        r"memory specification|node configuration|More processors|node count|CPU count",
        Fault("no node is as large as a worker", _NODES),
    ),
    (
        r"unrecognized option|invalid option|ambiguous",
        Fault("sbatch does not know an option of --extra", "correct it; see: sbatch --help"),
    ),
    (r"invalid (node name|reservation)|reservation", Fault("--extra names what is not there", "")),
    (r"quota|no space left", Fault("a disk is full", "make room there")),
]

_NOT_SET_UP = Fault(
    "it is not set up on this machine", "run this where sinfo works: on a login node"
)

#: What any command says when SLURM cannot be asked.
_ABSENCES = [
    (
        r"munge|authentication|credential",
        Fault("its authentication (munge) fails on this machine", _OPERATORS),
    ),
    (
        r"unable to contact|connect failure|connection refused|timed out|send/recv|"
        r"communication connection|controller not (responding|found)|unable to connect",
        Fault("its controller does not answer", f"{_OPERATORS} if this lasts"),
    ),
    (r"configuration source|slurm\.conf|DNS SRV", _NOT_SET_UP),
]

#: Why a job waits, by the beginning of what SLURM calls it.
_REASONS = [
    ("Resources", Fault("all nodes that suit are in use", "none needed: they wait", soon=True)),
    ("Priority", Fault("others are before them", "none needed: they wait", soon=True)),
    ("None", Fault("SLURM has not looked at them yet", "none needed: they wait", soon=True)),
    ("BeginTime", Fault("SLURM tries them again soon", "none needed: they wait", soon=True)),
    ("Prolog", Fault("the node is being prepared", "none needed: they wait", soon=True)),
    ("Cleaning", Fault("the node is being cleaned", "none needed: they wait", soon=True)),
    ("Dependency", Fault("they wait for other jobs", "leave --dependency out of --extra")),
    ("JobArrayTaskLimit", Fault("so many of an array may not run at once", _SEE_LIMITS)),
    ("PartitionDown", Fault("the partition is down", f"{_OPERATORS}, or choose another")),
    ("PartitionInactive", Fault("the partition takes no jobs", f"{_OPERATORS}, or choose another")),
    ("PartitionTimeLimit", Fault("the partition has no jobs of that time", _TIME)),
    ("PartitionNodeLimit", Fault("the partition has no jobs of that size", _NODES)),
    ("PartitionConfig", Fault("the partition has no node that large", _NODES)),
    (
        "ReqNodeNotAvail",
        Fault("nodes that they need are down, drained or reserved", f"see: sinfo -R; {_OPERATORS}"),
    ),
    (
        "Nodes required for job are DOWN",
        Fault("nodes that they need are down, drained or reserved", f"see: sinfo -R; {_OPERATORS}"),
    ),
    ("Reservation", Fault("they wait for a reservation", "correct --reservation in --extra")),
    ("BadConstraints", Fault("no node is as they ask", _NODES)),
    ("Licenses", Fault("no licence is free", "none needed: they wait")),
    ("InvalidAccount", Fault("the account is not valid", _ACCOUNTS)),
    ("InvalidQOS", Fault("the QOS is not valid", f"{_OPERATORS}, or change --extra")),
    ("AccountNotAllowed", Fault("the account may not use this partition", _ACCOUNTS)),
    ("QOSNotAllowed", Fault("the QOS may not use this partition", f"{_OPERATORS}")),
    ("QOS", Fault("a limit of the QOS is reached", _SEE_LIMITS)),
    ("Assoc", Fault("a limit of the account is reached", _SEE_LIMITS)),
    ("MaxTRES", Fault("a limit on resources is reached", _SEE_LIMITS)),
    ("JobHeldUser", Fault("you hold them", "let them go: scontrol release JOB")),
    ("JobHeldAdmin", Fault("an administrator holds them", _OPERATORS)),
    ("launch failed requeued held", Fault("they could not be started and are held", _OPERATORS)),
    ("FrontEndDown", Fault("no front end runs jobs", _OPERATORS)),
]

#: How a job ended, other than well.
_ENDS = {
    "FAILED": Fault("ended with a failure", "see its log"),
    "TIMEOUT": Fault("was ended at its time limit before it had drained", "give more time: --time"),
    "NODE_FAIL": Fault("lost its node", "none needed: others take over what it had"),
    "BOOT_FAIL": Fault("got a node that did not start", _OPERATORS),
    "OUT_OF_MEMORY": Fault("needed more memory than it had", "ask for more: --extra --mem=16G"),
    "PREEMPTED": Fault("had to make room for others", "none needed: others take over what it had"),
    "DEADLINE": Fault("could not end before its deadline", "leave --deadline out of --extra"),
    "CANCELLED": Fault("was cancelled by somebody", "ask whoever did; others take over meanwhile"),
}


def refusal(said: str) -> SlurmError:
    """What a command that failed is taken to mean, by what it said on its standard error."""
    words = _plain(said)
    for pattern, fault in _REFUSALS:
        if re.search(pattern, said, re.IGNORECASE):
            cause = f"SLURM refuses jobs: {fault.cause} ({words})"
            return RefusedError(Fault(cause, fault.advice or _OPERATORS, fault.fewer))
    if (absent := absence(said)) is not None:
        return absent
    return RefusedError(Fault(f"SLURM refuses jobs: {words}", _OPERATORS))


def absence(said: str) -> AwayError | None:
    """What it means where SLURM could not be asked; None where it answered."""
    for pattern, fault in _ABSENCES:
        if re.search(pattern, said, re.IGNORECASE):
            told = Fault(f"SLURM: {fault.cause} ({_plain(said)})", fault.advice)
            return AwayError(told, absent=fault is _NOT_SET_UP)
    return None


def waiting(reason: str) -> Fault:
    """Why jobs wait, by the reason that ``squeue`` gives."""
    for begin, fault in _REASONS:
        if reason.startswith(begin):
            cause = f"SLURM says {reason}: {fault.cause}"
            return Fault(cause, fault.advice, soon=fault.soon)
    return Fault(f"SLURM says {reason}", _OPERATORS)


def end(state: str) -> Fault | None:
    """How a job ended by its state, after "job N of SLURM"; None where it ended well."""
    if state == "COMPLETED":
        return None
    return _ENDS.get(state, Fault(f"ended as {state}", "see its log"))


def _plain(said: str) -> str:
    """The last thing that a command said, without what tells it from others."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("Try ")] or ["nothing was said"]
    told = re.sub(r"^\w+: (error|fatal): ", "", lines[-1])
    return re.sub(r"^(Batch job submission failed|allocation failure): ", "", told)[:200]
