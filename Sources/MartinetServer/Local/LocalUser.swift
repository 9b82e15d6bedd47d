#if canImport(Glibc)
  import Glibc
#endif

/// A user of this machine, as its mail is attributed to him.
package struct LocalUser: Sendable, Equatable {
  /// The number.
  package let id: UInt32
  /// The name; the number where the system knows none.
  package let name: String
  /// The full name, when the system knows one.
  package let fullName: String?

  /// Makes a user, for tests and conversions.
  package init(id: UInt32, name: String, fullName: String? = nil) {
    self.id = id
    self.name = name
    self.fullName = fullName
  }

  /// Looks a user up in the system's list.
  package init(id: UInt32) {
    var record = passwd()
    var result: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16_384)
    let status = getpwuid_r(id, &record, &buffer, buffer.count, &result)
    guard status == 0, result != nil, let namePointer = record.pw_name else {
      self.init(id: id, name: "\(id)")
      return
    }
    let gecos = record.pw_gecos.map { String(cString: $0) } ?? ""
    let full = String(gecos.prefix { $0 != "," })
    self.init(id: id, name: String(cString: namePointer), fullName: full.isEmpty ? nil : full)
  }

  /// The user this process runs as.
  package static var current: LocalUser { LocalUser(id: getuid()) }
}
