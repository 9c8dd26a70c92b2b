"""A Slurm of this machine alone: its own munged, slurmctld and slurmd with their own ports, and two invented GPUs."""

import ctypes
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

CONFIGURATION = """\
ClusterName=xai
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={worker}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=1,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
KillWait=5
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 Gres=gpu:2
PartitionName=gpu Nodes={host} Default=YES State=UP
"""

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
BUSY = ("PENDING", "RUNNING", "COMPLETING", "SUSPENDED")


def why_not():
    """Why no Slurm can be started here; None where one can."""
    needed = ("munged", "slurmctld", "slurmd", "sbatch")
    missing = [name for name in needed if not shutil.which(name, path=search_path())]
    if missing:
        return f"no {', '.join(missing)} here: scripts/setup.sh installs Slurm on Debian"
    return "only root can start a Slurm" if os.geteuid() != 0 else None


def search_path():
    return f"{os.environ['PATH']}:/usr/sbin"


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def until(condition, seconds, what):
    """Waits until `condition()` is true, and gives what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


class OneMachine:
    """with OneMachine() as slurm: ... Its daemons end with the block, and with this process."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="xai-slurm-", dir="/tmp"))  # a socket's path must be short
        self.daemons = []
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if len(self.daemons) == 3:
                self.run("scancel", "--user=root", check=False)
                until(lambda: not any(job["JobState"] in BUSY for job in self.jobs()), 20, "all jobs have ended")
        finally:
            for daemon in reversed(self.daemons):
                daemon.terminate()
            for daemon in self.daemons:
                try:
                    daemon.wait(10)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()
            shutil.rmtree(self.folder)

    def start(self):
        folder = self.folder
        folder.chmod(0o755)
        (folder / "state").mkdir()
        (folder / "spool").mkdir()
        (folder / "munge.key").touch(0o600)
        (folder / "munge.key").write_bytes(secrets.token_bytes(128))
        for i in range(2):  # like /dev/null: what is no device is refused
            os.mknod(folder / f"gpu{i}", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        controller, worker = free_ports(2)
        host = socket.gethostname().partition(".")[0]
        (folder / "slurm.conf").write_text(
            CONFIGURATION.format(folder=folder, host=host, controller=controller, worker=worker))
        (folder / "gres.conf").write_text(f"Name=gpu File={folder}/gpu[0-1]\n")
        foreign = ("SLURM_", "SBATCH_", "SQUEUE_", "SCANCEL_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        self.environment.update(SLURM_CONF=f"{folder}/slurm.conf", PATH=search_path())

        files = [f"--{what}-file={folder}/munge.{what}" for what in ("key", "pid", "log", "seed")]
        self.daemon("munged", "--foreground", f"--socket={folder}/munge.socket", *files)
        until((folder / "munge.socket").exists, 20, f"munged is up\n{self.said()}")
        self.daemon("slurmctld", "-D")
        self.daemon("slurmd", "-D")
        try:
            until(lambda: "idle" in self.run("sinfo", "--noheader", "--format=%T", check=False), 30, "Slurm is up")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.said()}") from None

    def daemon(self, name, *arguments):
        with (self.folder / f"{name}.out").open("w") as log:
            self.daemons.append(subprocess.Popen(
                [name, *arguments], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)))

    def said(self):
        """What the daemons have said."""
        return "\n".join(f"{file.name}: {file.read_text()}" for file in sorted(self.folder.glob("*.out")))

    def run(self, *command, check=True, cwd=None, **variables):
        """What a command that knows this Slurm says on standard output."""
        done = subprocess.run([str(word) for word in command], cwd=cwd, env=self.environment | variables,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 or not check, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def jobs(self, job=None):
        """Slurm's description of every job, or of the tasks of one: dictionaries as of `scontrol show job`."""
        lines = self.run("scontrol", "--oneliner", "show", "job", *([job] if job else [])).splitlines()
        return [dict(word.partition("=")[::2] for word in line.split()) for line in lines if "JobId=" in line]

    def signal(self, task, name):
        """Sends a signal as --signal=B:NAME does, to the batch script alone. (scancel itself sends it at once, and then
        tries for a minute to reach a task that has already stopped.)"""
        self.run("timeout", "--preserve-status", "2", "scancel", "--batch", f"--signal={name}", task, check=False)

    def ended(self, job, seconds=240):
        """Waits for a job, or for all tasks of an array, and gives their descriptions."""
        def tasks():
            tasks = self.jobs(job)
            return tasks if not any(task["JobState"] in BUSY for task in tasks) else None

        return until(tasks, seconds, f"job {job} has ended")

    def start_again(self, job, task, seconds=150):
        """Waits until a task has been stopped and has begun again, sparing it the two minutes that Slurm waits."""
        def begun():
            found = next(each for each in self.jobs(job) if each["ArrayTaskId"] == str(task))
            if found["Reason"] == "BeginTime":  # at once it would be taken for the one that was stopped
                self.run("scontrol", "update", f"JobId={job}_{task}", "StartTime=now+2")
                time.sleep(4)
            return found["Restarts"] != "0" and found["JobState"] not in ("PENDING", "COMPLETING")

        until(begun, seconds, f"task {task} of job {job} has begun again")
