import Glibc

@testable import MailStore

/// Another server's Maildir, written by hand; removed at the end.
final class ImportSource: Sendable {
  let root: String

  init() throws {
    root = "/tmp/martinet-import-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    for part in ["cur", "new", "tmp"] { try FileSystem.makePath("\(root)/\(part)") }
  }

  deinit { try? FileSystem.removeTree(root) }

  /// Puts a message into `cur/` or `new/` of a folder's directory.
  func put(_ name: String, _ octets: [UInt8], in folder: String = "", part: String = "cur", date: Int = 1_000_000)
    throws
  {
    let path = "\(root)/\(folder)/\(part)"
    try FileSystem.makePath(path)
    try FileSystem.makePath("\(root)/\(folder)/cur")
    try FileSystem.replace("\(path)/\(name)", with: octets, durable: false)
    var times = [timeval(tv_sec: date, tv_usec: 0), timeval(tv_sec: date, tv_usec: 0)]
    utimes("\(path)/\(name)", &times)
  }

  /// Writes a file beside the mail.
  func write(_ name: String, _ lines: String...) throws {
    try FileSystem.replace("\(root)/\(name)", with: Array(lines.map { $0 + "\n" }.joined().utf8), durable: false)
  }

  func options(_ change: (inout MailImportOptions) -> Void = { _ in }) -> MailImportOptions {
    var options = MailImportOptions(directory: root)
    change(&options)
    return options
  }

  /// Every file below the source with its octets' count, to see that nothing was touched.
  func inventory() -> [String] {
    var found: [String] = []
    func walk(_ path: String) {
      for name in FileSystem.names(path).sorted() {
        let below = "\(path)/\(name)"
        guard let facts = FileSystem.facts(below) else { continue }
        if facts.isDirectory { walk(below) } else { found.append("\(below) \(facts.size) \(facts.seconds)") }
      }
    }
    walk(root)
    return found
  }
}
