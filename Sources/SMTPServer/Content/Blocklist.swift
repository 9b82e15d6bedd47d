import Basics

/// A DNS blocklist and which of its answers count (RFC 5782).
package struct Blocklist: Sendable, Hashable {
  /// The zone, lower case, without final dot.
  package let zone: String
  /// Ranges of answers that mean "listed"; empty: every answer that means anything.
  package let codes: [ClosedRange<UInt32>]

  /// Reads `zone`, or `zone=127.0.0.2;127.0.0.4-11`; `nil` when it is neither.
  package init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let zone = parts[0].lowercased()
    let labels = zone.split(separator: ".", omittingEmptySubsequences: false)
    guard labels.count > 1, zone.utf8.count <= 180,
      labels.allSatisfy({ label in
        (1...63).contains(label.utf8.count)
          && label.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x5f
          }
      })
    else { return nil }
    self.zone = zone
    guard parts.count == 2 else {
      codes = []
      return
    }
    var codes: [ClosedRange<UInt32>] = []
    for word in parts[1].split(separator: ";", omittingEmptySubsequences: false) {
      guard let range = Self.range(word) else { return nil }
      codes.append(range)
    }
    self.codes = codes
  }

  private static func range(_ word: Substring) -> ClosedRange<UInt32>? {
    let ends = word.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count <= 2, case .v4(let first)? = IPAddress(ends[0]) else { return nil }
    guard ends.count == 2 else { return first...first }
    guard let octet = UInt8(ends[1]), UInt32(octet) >= first & 0xff else { return nil }
    return first...(first & 0xffff_ff00 | UInt32(octet))
  }

  /// Whether an answer says that the address is listed.
  ///
  /// 127.255.255.0/24 is how lists say "no answer for you" (refused resolvers, too many questions, a mistyped zone);
  /// answers outside 127.0.0.0/8 and 127.0.0.1 are a list that has gone, or somebody's wildcard (RFC 5782 section 2.1).
  package func isListing(_ answer: IPAddress) -> Bool {
    guard case .v4(let value) = answer, value >> 24 == 127, value >> 8 != 0x7f_ffff, value != 0x7f00_0001 else {
      return false
    }
    return codes.isEmpty || codes.contains { $0.contains(value) }
  }

  /// The name to ask for.
  package func name(for address: IPAddress) -> String {
    let octets = address.octets.reversed()
    let labels =
      octets.count == 4 ? octets.map(String.init) : octets.flatMap { [$0 & 15, $0 >> 4] }.map { String($0, radix: 16) }
    return labels.joined(separator: ".") + "." + zone
  }
}
