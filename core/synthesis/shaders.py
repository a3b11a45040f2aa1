"""GLSL of the renderer: linear blend skinning, a sun with soft shadows, sky light, and procedural surfaces."""

BONES = 52
"""Room for bone matrices in the vertex shaders."""

_SKINNING = f"""
#version 330
uniform mat4 bones[{BONES}];
in vec3 position; in vec3 normal; in vec3 colour; in uvec4 joint; in vec4 weight;
mat4 skin() {{
    return bones[joint.x] * weight.x + bones[joint.y] * weight.y
         + bones[joint.z] * weight.z + bones[joint.w] * weight.w;
}}
"""

COLOUR_VERTEX = (
    _SKINNING
    + """
uniform mat4 clip_from_world; uniform mat4 sun_from_world;
out vec3 world; out vec3 facing; out vec3 bound; out vec3 albedo; out vec3 in_sun;
void main() {
    mat4 m = skin();
    vec4 p = m * vec4(position, 1.0);
    world = p.xyz; facing = mat3(m) * normal; bound = position; albedo = colour;
    in_sun = (sun_from_world * p).xyz * 0.5 + 0.5;
    gl_Position = clip_from_world * p;
}
"""
)

SHADOW_VERTEX = (
    _SKINNING
    + """
uniform mat4 sun_from_world;
void main() { gl_Position = sun_from_world * skin() * vec4(position, 1.0); }
"""
)

SHADOW_FRAGMENT = """
#version 330
void main() {}
"""

COLOUR_FRAGMENT = """
#version 330
uniform vec3 to_sun; uniform vec3 sunlight; uniform vec3 skylight; uniform vec3 eye;
uniform sampler2D shadow; uniform int shadows; uniform int surface;  // 0 figure, 1 room, 2 floor
in vec3 world; in vec3 facing; in vec3 bound; in vec3 albedo; in vec3 in_sun;
out vec4 pixel;

float hash(vec3 q) { return fract(sin(dot(q, vec3(12.9898, 78.233, 37.719))) * 43758.5453); }
float noise(vec3 q) {
    vec3 i = floor(q), f = fract(q);
    f = f * f * (3.0 - 2.0 * f);
    vec4 near = vec4(hash(i), hash(i + vec3(1, 0, 0)), hash(i + vec3(0, 1, 0)), hash(i + vec3(1, 1, 0)));
    vec4 far = vec4(hash(i + vec3(0, 0, 1)), hash(i + vec3(1, 0, 1)), hash(i + vec3(0, 1, 1)), hash(i + vec3(1, 1, 1)));
    vec4 layer = mix(near, far, f.z);
    return mix(mix(layer.x, layer.y, f.x), mix(layer.z, layer.w, f.x), f.y);
}

vec3 boards(vec2 p, vec3 base) {
    float row = floor(p.y / 0.14);
    float along = p.x + 0.61 * row;
    float board = floor(along / 1.3);
    float tone = 0.82 + 0.30 * hash(vec3(row, board, 3.0));
    float grain = noise(vec3(along * 2.2, p.y * 34.0, row)) * 0.14 - 0.07;
    vec2 edge = vec2(0.5 - abs(fract(p.y / 0.14) - 0.5), (0.5 - abs(fract(along / 1.3) - 0.5)) * 9.0);
    float seam = smoothstep(0.0, 0.035, min(edge.x, edge.y));
    return base * (tone + grain) * mix(0.62, 1.0, seam);
}

float sunlit() {
    if (shadows == 0) return 1.0;
    if (any(lessThan(in_sun, vec3(0.0))) || any(greaterThan(in_sun, vec3(1.0)))) return 1.0;
    vec2 texel = 1.5 / vec2(textureSize(shadow, 0));
    float lit = 0.0;
    for (int i = -2; i <= 2; i++)
        for (int j = -2; j <= 2; j++)
            lit += texture(shadow, in_sun.xy + vec2(i, j) * texel).r > in_sun.z - 0.0022 ? 1.0 : 0.0;
    return lit / 25.0;
}

void main() {
    vec3 n = normalize(facing);
    vec3 base = albedo;
    if (surface == 0) base *= 0.92 + 0.16 * noise(bound * 70.0);
    if (surface == 1) base *= 0.95 + 0.08 * noise(world * 1.7);
    if (surface == 2) base = boards(world.xy, albedo);
    float diffuse = max(dot(n, to_sun), 0.0) * sunlit();
    vec3 sky = mix(vec3(0.30, 0.26, 0.22), vec3(0.52, 0.56, 0.62), 0.5 + 0.5 * n.z);
    vec3 view = normalize(eye - world);
    float fill = 0.22 * max(dot(n, view), 0.0);
    float shine = pow(max(dot(n, normalize(view + to_sun)), 0.0), 24.0) * (surface == 1 ? 0.0 : 0.06);
    vec3 light = base * (diffuse * sunlight + (sky + fill) * skylight) + shine * diffuse;
    pixel = vec4(pow(clamp(light, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0);
}
"""
