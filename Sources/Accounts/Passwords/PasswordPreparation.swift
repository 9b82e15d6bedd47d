import Foundation

/// What a password is before it is hashed: SASLprep (RFC 4013) for what is not plain ASCII, so that `é` typed on two
/// keyboards is one password, by PLAIN as by SCRAM.
enum PasswordPreparation {
  /// The prepared octets; octets that are not UTF-8 stay as they are.
  static func prepared(_ password: [UInt8]) -> [UInt8] {
    guard password.contains(where: { $0 >= 0x80 }), let text = String(validating: password, as: UTF8.self) else {
      return password
    }
    var mapped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars where !isMappedToNothing(scalar) {
      mapped.append(isOtherSpace(scalar) ? " " : scalar)
    }
    return Array(String(mapped).precomposedStringWithCompatibilityMapping.utf8)
  }

  /// The forms in which a password that was sent may have been hashed: prepared, and as it came.
  static func candidates(_ password: [UInt8]) -> [[UInt8]] {
    let prepared = prepared(password)
    return prepared == password ? [password] : [prepared, password]
  }

  /// RFC 3454 table B.1.
  private static func isMappedToNothing(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0xad, 0x34f, 0x1806, 0x180b...0x180d, 0x200b...0x200d, 0x2060, 0xfe00...0xfe0f, 0xfeff: true
    default: false
    }
  }

  /// RFC 3454 table C.1.2.
  private static func isOtherSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0xa0, 0x1680, 0x2000...0x200a, 0x202f, 0x205f, 0x3000: true
    default: false
    }
  }
}
