import Basics
import Glibc

/// A SQLite file looked at before SQLite may touch it.
///
/// SQLite mends as it opens: what the write-ahead log holds covers damage in the main file, and the last one to close
/// writes it there. An inspection has to look at the octets first, and may then open the file for reading only.
package struct DatabaseFile: Sendable {
  /// The file's path.
  package let path: String
  /// Octets of the main file; `nil` when it is not there.
  package let size: Int64?
  /// Octets of the write-ahead log.
  package let logSize: Int64
  /// Why the file cannot be read; `nil` when it can.
  package let refusal: String?
  private let header: [UInt8]

  private static let magic = Array("SQLite format 3\0".utf8)

  /// Looks at a path; opens nothing for writing.
  package init(path: String) {
    self.path = path
    logSize = Self.size(path + "-wal") ?? 0
    size = Self.size(path)
    guard size != nil else {
      header = []
      refusal = errno == ENOENT ? nil : String(cString: strerror(errno))
      return
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      header = []
      refusal = String(cString: strerror(errno))
      return
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    refusal = count < 0 ? String(cString: strerror(errno)) : nil
    header = Array(bytes.prefix(max(0, count)))
  }

  /// What the header alone tells to be wrong (https://sqlite.org/fileformat.html section 1.3); `nil` when nothing is.
  package var headerFault: String? {
    guard let size, size > 0 else { return nil }
    guard header.count == 100, header.starts(with: Self.magic) else { return "does not begin as a database does" }
    let stated = Int(header[16]) << 8 | Int(header[17])
    let page = stated == 1 ? 65_536 : stated
    guard page >= 512, page & (page - 1) == 0, Array(header[21...23]) == [64, 32, 32] else {
      return "has a damaged header"
    }
    return size % Int64(page) == 0 ? nil : "ends in the middle of a page (\(size) octets in pages of \(page))"
  }

  /// The number SQLite keeps for its owner at octet 68.
  package var applicationID: UInt32 {
    guard header.count == 100 else { return 0 }
    return header[68..<72].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
  }

  /// How to open the file without changing anything in its directory: while nobody writes and no log waits, not even
  /// SQLite's lock files are made.
  func uri(isServing: Bool) -> String {
    var escaped = ""
    for octet in path.utf8 {
      if (0x21...0x7e).contains(octet), !"?#%".utf8.contains(octet) {
        escaped.unicodeScalars.append(Unicode.Scalar(octet))
      } else {
        escaped += (octet < 16 ? "%0" : "%") + String(octet, radix: 16)
      }
    }
    return "file:\(escaped)?mode=ro" + (logSize == 0 && !isServing ? "&immutable=1" : "")
  }

  private static func size(_ path: String) -> Int64? {
    var facts = stat()
    return stat(path, &facts) == 0 ? Int64(facts.st_size) : nil
  }
}
