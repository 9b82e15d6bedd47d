import GRDB

#if canImport(Glibc)
  import Glibc
#endif

/// Why the account database cannot be used; the description is one line for the administrator.
package struct HostDatabaseError: Error, Equatable, CustomStringConvertible {
  /// What is wrong.
  package enum Code: Sendable, Equatable {
    /// The file is no SQLite database, or it is damaged.
    case notADatabase
    /// The file is a database of another program.
    case foreign
    /// The file was written by a newer version of Martinet.
    case newerVersion
    /// The file cannot be opened, read or written at the moment.
    case unavailable
  }
  /// What is wrong.
  package let code: Code
  /// One line that names the file and the fault.
  package let description: String

  init(_ code: Code, path: String, text: String) {
    self.code = code
    description = "\(path): \(text)"
  }

  init(wrapping error: any Error, path: String) {
    if let known = error as? HostDatabaseError {
      self = known
      return
    }
    guard let fault = error as? DatabaseError else {
      self.init(.unavailable, path: path, text: "cannot be used: \(error)")
      return
    }
    switch fault.resultCode {
    case .SQLITE_NOTADB:
      self.init(.notADatabase, path: path, text: "is not a database; restore it from a backup")
    case .SQLITE_CORRUPT:
      self.init(.notADatabase, path: path, text: "is damaged (\(fault.message ?? "corrupt")); restore it from a backup")
    default:
      self.init(.unavailable, path: path, text: "cannot be used: \(fault.message ?? "\(fault.resultCode)")")
    }
  }
}

/// The first 100 octets of a database file, read before SQLite may touch a file that is not ours.
enum FileHeader {
  private static let magic = Array("SQLite format 3\0".utf8)
  private static let applicationIDOffset = 68

  /// Makes the file with mode 0600 when there is none; refuses one that is no database or has another owner.
  static func check(path: String) throws(HostDatabaseError) {
    let descriptor = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw HostDatabaseError(.unavailable, path: path, text: String(cString: strerror(errno)))
    }
    defer { _ = Glibc.close(descriptor) }
    var header = [UInt8](repeating: 0, count: 100)
    let count = pread(descriptor, &header, header.count, 0)
    guard count >= 0 else {
      throw HostDatabaseError(.unavailable, path: path, text: String(cString: strerror(errno)))
    }
    if count == 0 { return }
    guard count == header.count, header.starts(with: magic) else {
      throw HostDatabaseError(.notADatabase, path: path, text: "is not a database; restore it from a backup")
    }
    let owner = header[applicationIDOffset..<(applicationIDOffset + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard owner == 0 || owner == UInt32(bitPattern: HostDatabase.applicationID) else {
      throw HostDatabaseError(.foreign, path: path, text: "belongs to another program")
    }
  }
}
