import Glibc

/// The process's limit of open files.
package enum DescriptorLimit {
  /// Raises the soft limit to the hard one.
  ///
  /// - Returns: the limit now in force, one million at most.
  @discardableResult
  package static func raise() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0 else { return 1024 }
    if limit.rlim_cur < limit.rlim_max {
      var raised = limit
      raised.rlim_cur = limit.rlim_max
      if setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &raised) == 0 { limit = raised }
    }
    return Int(clamping: min(limit.rlim_cur, 1_000_000))
  }
}
