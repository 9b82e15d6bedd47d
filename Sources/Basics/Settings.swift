/// A number of octets as people write it: `10240000`, `25M`, `2G`, `1000KB`.
package struct ByteSize: Hashable, Comparable, Sendable {
  /// The size in octets; never negative.
  package var bytes: Int64

  /// Makes a size from octets.
  package init(_ bytes: Int64) { self.bytes = max(0, bytes) }

  /// Parses digits with an optional `K`, `M`, `G` (×1024, RFC-less but vpopmail's own) and optional `B`.
  package init?(_ text: some StringProtocol) {
    var body = text.uppercased()
    if body.hasSuffix("B") { body.removeLast() }
    var factor: Int64 = 1
    if let unit = body.last, let index = ["K", "M", "G", "T"].firstIndex(of: String(unit)) {
      body.removeLast()
      for _ in 0...index { factor *= 1024 }
    }
    guard !body.isEmpty, body.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(body) else {
      return nil
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    guard !overflow else { return nil }
    bytes = product
  }

  /// Orders by size.
  package static func < (left: ByteSize, right: ByteSize) -> Bool { left.bytes < right.bytes }
}

extension ByteSize: CustomStringConvertible {
  /// The shortest exact form: `25M`, `2G`, `10240000`.
  package var description: String {
    for (unit, factor) in [("G", Int64(1 << 30)), ("M", 1 << 20), ("K", 1 << 10)]
    where bytes >= factor && bytes % factor == 0 {
      return "\(bytes / factor)\(unit)"
    }
    return "\(bytes)"
  }
}

extension Duration {
  /// Parses `0s`, `500ms`, `6s`, `15m`, `1h`, `24h`, `7d`.
  package init?(setting text: some StringProtocol) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits), number < 1_000_000_000 else { return nil }
    switch text.dropFirst(digits.count) {
    case "ms": self = .milliseconds(number)
    case "s": self = .seconds(number)
    case "m": self = .seconds(number * 60)
    case "h": self = .seconds(number * 3600)
    case "d": self = .seconds(number * 86_400)
    default: return nil
    }
  }

  /// The setting's text form: `1h`, `90s`, `250ms`.
  package var setting: String {
    let milliseconds = wholeMilliseconds
    if milliseconds % 1000 != 0 { return "\(milliseconds)ms" }
    let seconds = milliseconds / 1000
    if seconds == 0 { return "0s" }
    if seconds % 86_400 == 0, seconds > 86_400 { return "\(seconds / 86_400)d" }
    if seconds % 3600 == 0 { return "\(seconds / 3600)h" }
    if seconds % 60 == 0 { return "\(seconds / 60)m" }
    return "\(seconds)s"
  }
}
