#if canImport(Glibc)
  import Glibc
#endif

/// A server started for a test, in a process group of its own and with no signal blocked.
///
/// Foundation's `Process` hands the calling thread's blocked signals on, and a daemon that cannot hear SIGTERM stays.
package final class ChildProcess {
  /// Why a program could not be started.
  package struct Failure: Error {
    /// The kernel's error number.
    package var code: Int32
  }
  private let pid: pid_t

  /// Starts a program, its output thrown away.
  ///
  /// - Throws: ``Failure``.
  package init(_ program: String, _ arguments: [String]) throws {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [Int32(1), 2] { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0) }
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, program, &actions, &attributes, &words, environ)
    guard code == 0 else { throw Failure(code: code) }
    self.pid = pid
  }

  /// Ends the whole group.
  package func stop() {
    kill(-pid, SIGTERM)
    for _ in 0..<50 {
      if waitpid(pid, nil, WNOHANG) == pid { return }
      usleep(20_000)
    }
    kill(-pid, SIGKILL)
    waitpid(pid, nil, 0)
  }
}
