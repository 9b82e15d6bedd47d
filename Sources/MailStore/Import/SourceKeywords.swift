/// The names of the letters `a` to `z` in a folder's file names (`dovecot-keywords`).
struct DovecotKeywords {
  private var names: [UInt8: String] = [:]

  init(_ folder: SourceDirectory) throws {
    guard let lines = try SourceLines(folder, "dovecot-keywords") else { return }
    var count = 0
    while var rest = try lines.next(), count < 1024 {
      count += 1
      guard let number = rest.popField().number, number < 26, !rest.isEmpty else { continue }
      names[UInt8(ascii: "a") + UInt8(number)] = String(decoding: rest, as: UTF8.self)
    }
  }

  /// The keywords that a file name's info stands for; `P` (passed) is `$Forwarded`.
  func keywords(_ info: some Sequence<UInt8>) -> [String] {
    info.compactMap { $0 == UInt8(ascii: "P") ? "$Forwarded" : names[$0] }
  }
}

/// Courier's keywords: `courierimapkeywords/:list`, and the files beside it that were not merged into it yet.
struct CourierKeywords {
  private let directory: SourceDirectory

  /// Keywords of one folder, and of one message; more make no sense.
  private static let most = 1024

  init?(_ folder: SourceDirectory) {
    guard let directory = folder.directory("courierimapkeywords") else { return nil }
    self.directory = directory
  }

  /// Gives each message's keywords; later calls for the same message count.
  func forEach(_ body: (_ base: ArraySlice<UInt8>, _ keywords: [String]) throws -> Void) throws {
    if let lines = try SourceLines(directory, ":list") {
      var names: [String] = []
      while let line = try lines.next(), !line.isEmpty {
        if names.count < Self.most { names.append(String(decoding: line, as: UTF8.self)) }
      }
      while let line = try lines.next() {
        guard let cut = line.lastIndex(of: UInt8(ascii: ":")), cut > line.startIndex else { continue }
        let numbers = line[(cut + 1)...].split(separator: 0x20).prefix(Self.most).compactMap(\.number)
        try body(line[..<cut].base, numbers.compactMap { Int($0) < names.count ? names[Int($0)] : nil })
      }
    }
    // `.<n>.<name>` are changes in their order, `<name>` is the last word.
    var rounds: [(number: UInt32, name: [UInt8])] = []
    try directory.forEachName { name in
      guard name.first != UInt8(ascii: ":"), rounds.count < Self.mostChanges else { return }
      guard name.first == UInt8(ascii: ".") else {
        rounds.append((.max, name))
        return
      }
      var rest = name[1...]
      if let number = rest.popField(UInt8(ascii: ".")).number, !rest.isEmpty { rounds.append((number, name)) }
    }
    for round in rounds.sorted(by: { $0.number < $1.number }) {
      let fileName = String(decoding: round.name, as: UTF8.self)
      guard Array(fileName.utf8) == round.name, let lines = try SourceLines(directory, fileName) else { continue }
      var names: [String] = []
      while let line = try lines.next(), names.count < Self.most {
        if !line.isEmpty { names.append(String(decoding: line, as: UTF8.self)) }
      }
      var base = round.name[...]
      if round.number != .max || base.first == UInt8(ascii: ".") {
        base.removeFirst()
        _ = base.popField(UInt8(ascii: "."))
      }
      try body(base.base, names)
    }
  }

  /// Changes not merged yet that are read; Courier merges them at each login.
  private static let mostChanges = 100_000
}
