import Testing
import WireTesting

@testable import IMAPServer

/// A client that believes what it is told and complains when two tellings do not fit (imaptest's idea).
final class ModelClient {
  /// One message as this client knows it.
  struct Message: Equatable {
    var uid: Int?
    var flags: Set<String>?
  }

  let client: IMAPTestClient
  let name: String
  private(set) var messages: [Message] = []
  /// What it has heard lately, for the report of a contradiction.
  private var heard: [String] = []
  private(set) var contradictions: [String] = []

  init(_ client: IMAPTestClient, name: String) {
    self.client = client
    self.name = name
  }

  func select(_ mailbox: String) async throws {
    messages = []
    heard = []
    let lines = try await client.run("SELECT \(mailbox)")
    for line in lines { take(line, during: "SELECT") }
  }

  /// Runs a command and takes in all it brings.
  @discardableResult
  func run(_ command: String) async throws -> [String] {
    heard.append("C: \(command.prefix(80))")
    applySilently(command)
    let lines = try await client.run(command)
    for line in lines { take(line, during: command) }
    return lines
  }

  /// What a client computes itself that asked for silence.
  private func applySilently(_ command: String) {
    let words = command.split(separator: " ").map(String.init)
    guard let verb = words.firstIndex(of: "+FLAGS.SILENT"), verb + 1 < words.count else { return }
    let flag = String(words[verb + 1].dropFirst().dropLast())
    let number = words[0] == "UID" ? nil : Int(words[1])
    for index in messages.indices where number == nil || number == index + 1 {
      if messages[index].flags != nil { messages[index].flags?.insert(flag) }
    }
  }

  private func complain(_ text: String) {
    contradictions.append("\(name): \(text)\n  " + heard.suffix(12).joined(separator: "\n  "))
  }

  private func take(_ line: String, during command: String) {
    heard.append("S: \(line.prefix(120))")
    let words = line.split(separator: " ", maxSplits: 3).map(String.init)
    guard words.count >= 3, words[0] == "*", let number = Int(words[1]) else {
      if line.contains(" BAD ") { complain("BAD for \(command)") }
      return
    }
    switch words[2] {
    case "EXISTS":
      if number < messages.count { complain("EXISTS \(number) below \(messages.count)") }
      while messages.count < number { messages.append(Message()) }
    case "EXPUNGE":
      let plain = ["FETCH", "STORE", "SEARCH"].contains { command.hasPrefix($0) }
      if plain { complain("EXPUNGE during \(command)") }
      guard number >= 1, number <= messages.count else { return complain("EXPUNGE \(number) of \(messages.count)") }
      messages.remove(at: number - 1)
    case "FETCH": fetched(number, words.count > 3 ? words[3] : "")
    default: break
    }
  }

  private func fetched(_ number: Int, _ text: String) {
    guard number >= 1, number <= messages.count else { return complain("FETCH \(number) of \(messages.count)") }
    if let uid = value("UID ", in: text).flatMap({ Int($0) }) {
      if let known = messages[number - 1].uid, known != uid { complain("UID of \(number) was \(known), now \(uid)") }
      messages[number - 1].uid = uid
      let before = messages[..<(number - 1)].last { $0.uid != nil }?.uid ?? 0
      if before >= uid { complain("UID \(uid) at \(number) is not above \(before)") }
    }
    if let open = text.range(of2: "FLAGS ("), let end = text[open...].firstIndex(of: ")") {
      messages[number - 1].flags = Set(text[open..<end].split(separator: " ").map(String.init)).subtracting(["\\Recent"]
      )
    }
  }

  private func value(_ key: String, in text: String) -> String? {
    guard let start = text.range(of2: key) else { return nil }
    return String(text[start...].prefix { $0.isNumber })
  }
}

extension String {
  /// The index behind the first occurrence of a text.
  fileprivate func range(of2 text: String) -> String.Index? {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(text) { return self.index(index, offsetBy: text.count) }
      index = self.index(after: index)
    }
    return nil
  }
}
