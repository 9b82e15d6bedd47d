import ArgumentParser

#if canImport(Glibc)
  import Glibc
#endif

/// Where a new password comes from; never from the command line itself.
struct PasswordOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Read the password from the first line of a file; - is standard input.", valueName: "file"))
  var passwordFile: String?

  @Flag(help: "Make a random password and print it once.")
  var random = false

  func validate() throws {
    if random, passwordFile != nil { throw ValidationError("--random and --password-file exclude each other") }
  }

  /// The password, and whether it was made here and must be shown.
  ///
  /// - Throws: `CommandFailure` when none is given and nobody sits at a terminal.
  func read(prompt: String) throws -> (password: String, isRandom: Bool) {
    if random { return (Self.makeRandom(), true) }
    if let passwordFile { return (try Self.readFirstLine(passwordFile), false) }
    guard isatty(STDIN_FILENO) == 1 else {
      throw CommandFailure(.usage, "no password given; use --password-file FILE, --password-file - or --random")
    }
    let first = try Self.ask(prompt)
    guard try Self.ask("Again: ") == first else { throw CommandFailure(.usage, "the two passwords differ") }
    return (first, false)
  }

  /// A password that is only checked, so asked for once.
  ///
  /// - Throws: `CommandFailure` when none is given and nobody sits at a terminal.
  static func readOnce(file: String?, prompt: String) throws -> String {
    if let file { return try readFirstLine(file) }
    guard isatty(STDIN_FILENO) == 1 else {
      throw CommandFailure(.usage, "no password given; use --password-file FILE or --password-file -")
    }
    return try ask(prompt)
  }

  /// 16 characters without look-alikes: 94 bits.
  static func makeRandom() -> String {
    let alphabet = Array("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
    var generator = SystemRandomNumberGenerator()
    return String((0..<16).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
  }

  private static func readFirstLine(_ path: String) throws -> String {
    let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CommandFailure(.usage, "the password file \(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { if path != "-" { close(descriptor) } }
    var bytes: [UInt8] = []
    var octet: UInt8 = 0
    while bytes.count <= 1024, Glibc.read(descriptor, &octet, 1) == 1, octet != 0x0a { bytes.append(octet) }
    if bytes.last == 0x0d { bytes.removeLast() }
    guard !bytes.isEmpty else { throw CommandFailure(.usage, "the password is empty") }
    guard bytes.count <= 1024, !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandFailure(.usage, "the password must be UTF-8 text of at most 1024 octets")
    }
    return text
  }

  private static func ask(_ prompt: String) throws -> String {
    Output.prompt(prompt)
    var saved = termios()
    tcgetattr(STDIN_FILENO, &saved)
    var silent = saved
    silent.c_lflag &= ~tcflag_t(ECHO)
    tcsetattr(STDIN_FILENO, TCSANOW, &silent)
    defer {
      tcsetattr(STDIN_FILENO, TCSANOW, &saved)
      Output.prompt("\n")
    }
    guard let line = readLine(), !line.isEmpty else { throw CommandFailure(.usage, "the password is empty") }
    return line
  }
}
