/// The one message of PLAIN (RFC 4616 section 2): `[authzid] NUL authcid NUL passwd`.
struct PlainMessage: Equatable {
  let authorizationID: String?
  let login: String
  let password: [UInt8]

  init(_ octets: [UInt8]) throws(SASLError) {
    guard octets.count <= 2 * SASLText.longestName + SASLText.longestPassword + 2 else { throw .badFormat }
    let parts = octets.split(separator: 0, omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .badFormat }
    authorizationID = parts[0].isEmpty ? nil : try SASLText.name(parts[0])
    login = try SASLText.name(parts[1])
    password = try SASLText.password(Array(parts[2]))
  }
}

/// Bounds and characters of names and passwords: SASLprep's prohibition of controls (RFC 4013 section 2.3), no mapping.
enum SASLText {
  /// Longest login or authorization name, in octets.
  static let longestName = 512
  /// Longest password, in octets.
  static let longestPassword = 1024

  /// Checks a login name: UTF-8, not empty, no control characters.
  static func name(_ octets: ArraySlice<UInt8>) throws(SASLError) -> String {
    guard !octets.isEmpty, octets.count <= longestName, let text = String(validating: octets, as: UTF8.self),
      !hasControls(text)
    else { throw .badFormat }
    return text
  }

  /// Checks a password: not empty, and where it is UTF-8 no control characters; NUL never.
  static func password(_ octets: [UInt8]) throws(SASLError) -> [UInt8] {
    guard !octets.isEmpty, octets.count <= longestPassword,
      !octets.contains(where: { $0 < 0x20 || $0 == 0x7f })
    else { throw .badFormat }
    return octets
  }

  private static func hasControls(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) }
  }
}
