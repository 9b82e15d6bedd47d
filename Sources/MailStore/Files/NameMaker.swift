import Basics
import Glibc
import Synchronization

/// Makes file names that no other delivery has (maildir(5)).
struct NameMaker: Sendable {
  // One counter for the whole process, started at random: several stores, restarts with the same process number
  // and clocks set back do not meet.
  private static let counter = Atomic<UInt64>(UInt64.random(in: 0..<1 << 30))
  private let host: String
  private let process = getpid()

  init(hostname: String) {
    // maildir(5): "/" and ":" in host names are written in octal.
    var escaped = ""
    for scalar in hostname.unicodeScalars.prefix(64) {
      switch scalar {
      case "/": escaped += "\\057"
      case ":": escaped += "\\072"
      case ",": escaped += "\\054"
      case let other where other.isASCII && other.value > 0x20 && other.value < 0x7f:
        escaped.unicodeScalars.append(other)
      default: escaped += "_"
      }
    }
    host = escaped.isEmpty ? "localhost" : escaped
  }

  /// The name up to the sizes, which are known once the message is written.
  ///
  /// - Parameter dated: the file's date will be another than now.
  func stem(now: Timestamp, dated: Bool) -> String {
    let number = Self.counter.wrappingAdd(1, ordering: .relaxed).oldValue
    let micro = (now.milliseconds - now.seconds * 1000) * 1000 + Int64(number % 1000)
    return "\(now.seconds).M\(micro)P\(process)Q\(number)\(dated ? "D" : "").\(host)"
  }

  /// The base name of a finished file; without `W=` the file has to be measured.
  static func base(_ stem: String, fileBytes: Int, wireBytes: Int?) -> String {
    "\(stem),S=\(fileBytes)" + (wireBytes.map { ",W=\($0)" } ?? "")
  }
}
